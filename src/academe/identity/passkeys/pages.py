"""What pages and their scripts do with passkeys; the scripts send JSON and get JSON."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from academe.identity.passkeys.challenges import LIFETIME, Place
from academe.identity.passkeys.forms import NameForm
from academe.identity.passkeys.schemas import NewPasskeyIn, PasskeyIn
from academe.identity.passkeys.service import (
    Question,
    add_passkey,
    ask_for_new,
    ask_for_passkey,
    remove_passkey,
    rename_passkey,
    sign_in_with_passkey,
)
from academe.identity.second_factor.pages import SECURITY, security_page
from academe.identity.sign_in.browser import CameFrom, keep_session, local_path, set_cookie, step_token
from academe.platform.http.cookies import challenge_cookie_name
from academe.platform.http.dependencies import CurrentActor, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import parse_form, redirect
from academe.platform.settings import Settings

router = page_router()

_OWN: Final = f"{SECURITY}/passkeys"


@router.post(f"{_OWN}/options")
async def take_new_options(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """What the browser needs to make a passkey."""
    question = await ask_for_new(session, database_of(request), actor=actor, place=_place(request))
    return _asked(request, question)


@router.post(_OWN)
async def take_new(request: Request, body: NewPasskeyIn, actor: SignedIn, session: WriteSession) -> Response:
    """Keep the passkey that was made."""
    settings: Settings = request.app.state.settings
    opened = await add_passkey(
        session,
        database_of(request),
        actor=actor,
        place=_place(request),
        token=_token(request),
        credential=body.credential,
        name=body.name,
        lifetime=timedelta(hours=settings.session_absolute_hours),
        user_agent=request.headers.get("user-agent", ""),
    )
    response = JSONResponse({"next": SECURITY})
    keep_session(request, response, opened)
    return response


@router.post(f"{_OWN}/{{passkey_id}}/name")
async def take_name(request: Request, passkey_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Call a passkey something else."""
    parsed = parse_form(NameForm, await request.form())
    if parsed.data is None:
        return await security_page(request, actor, session, parsed.view, status=422)
    await rename_passkey(session, actor=actor, passkey_id=passkey_id, name=parsed.data.name)
    return redirect(request, SECURITY, "The passkey has its new name.")


@router.post(f"{_OWN}/{{passkey_id}}/remove")
async def take_removal(request: Request, passkey_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Take a passkey away."""
    await remove_passkey(session, actor=actor, passkey_id=passkey_id)
    return redirect(request, SECURITY, "The passkey is removed.")


@router.post("/sign-in/passkey/options")
async def take_options(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """What the browser needs to ask a device for a passkey."""
    place = _place(request)
    return _asked(request, await ask_for_passkey(database_of(request), place=place, step_token=step_token(request)))


@router.post("/sign-in/passkey")
async def take_passkey(
    request: Request,
    body: PasskeyIn,
    actor: CurrentActor,  # noqa: ARG001 - routes name their caller
) -> Response:
    """Sign in with what the device has answered."""
    came_from = CameFrom.of(request)
    opened = await sign_in_with_passkey(
        database_of(request),
        place=_place(request),
        token=_token(request),
        credential=body.credential,
        step_token=step_token(request),
        user_agent=came_from.user_agent,
        replaces=came_from.session_token,
    )
    response = JSONResponse({"next": local_path(body.next)})
    keep_session(request, response, opened)
    return response


def _place(request: Request) -> Place:
    """The guard has let the host name pass, and in production that is one of the settings."""
    return Place(request.url.hostname or "", f"{request.url.scheme}://{request.url.netloc}")


def _token(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return request.cookies.get(challenge_cookie_name(settings), "")


def _asked(request: Request, question: Question) -> Response:
    settings: Settings = request.app.state.settings
    response = JSONResponse(question.options, headers={"Cache-Control": "no-store"})
    set_cookie(request, response, challenge_cookie_name(settings), question.token, LIFETIME.total_seconds())
    return response
