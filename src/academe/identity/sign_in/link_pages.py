"""Pages of signing in by e-mail. Looking at a link changes nothing; only a form on its page uses it up."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.addresses import checked_address
from academe.identity.errors import LinkNotValidError, WeakPasswordError
from academe.identity.forms import LinkForm, NewPasswordForm
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.browser import CameFrom, keep_session, keep_step
from academe.identity.sign_in.links import (
    LIFETIME,
    LinkSigner,
    ask_for_link,
    holder_of,
    reset_password,
    sign_in_with_link,
)
from academe.identity.sign_in.passwords import MINIMUM_LENGTH
from academe.identity.sign_in.sessions import OpenedSession
from academe.identity.sign_in.unfinished import SecondStep
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.http.dependencies import CurrentActor, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render
from academe.platform.settings import Settings

router = page_router("/sign-in/link")

_MINUTES: Final = int(LIFETIME.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class AskPage:
    """The form that asks for a letter, or the news that it was asked for."""

    form: FormView
    is_asked: bool = False
    minutes: int = _MINUTES


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What a link is good for; `email` is empty when it is good for nothing any more."""

    token: str
    email: str
    form: FormView
    minimum_length: int = MINIMUM_LENGTH


@router.get("")
async def show_ask(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """The form that asks for a letter."""
    form = FormView({"email": request.query_params.get("email", "")})
    return render(request, "identity/link_ask.html", AskPage(form))


@router.post("")
async def take_ask(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """Have the letter written; the answer is the same for every address."""
    parsed = parse_form(LinkForm, await request.form())
    if parsed.data is None:
        return render(request, "identity/link_ask.html", AskPage(parsed.view), status=422)
    try:
        address = checked_address(parsed.data.email)
    except InvalidInputError as error:
        view = parsed.view.with_errors(error.errors)
        return render(request, "identity/link_ask.html", AskPage(view), status=error.status)
    await ask_for_link(database_of(request), email=address)
    return redirect(request, "/sign-in/link/asked")


@router.get("/asked")
async def show_asked(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """What happens now."""
    return render(request, "identity/link_ask.html", AskPage(FormView(), is_asked=True))


@router.get("/{token}")
async def show_link(request: Request, token: str, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """What the link is good for. It stays good, however often this is read."""
    return await _link_page(request, token, FormView())


@router.post("/{token}")
async def take_link(request: Request, token: str, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """Sign in with it."""
    came_from = CameFrom.of(request)
    try:
        opened = await sign_in_with_link(
            database_of(request),
            link_id=_signer(request).open(token),
            user_agent=came_from.user_agent,
            replaces=came_from.session_token,
        )
    except LinkNotValidError:
        return await _link_page(request, token, FormView())
    return _on(request, opened, "You are signed in.")


@router.post("/{token}/password")
async def take_new_password(request: Request, token: str, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """Set a new password with it."""
    parsed = parse_form(NewPasswordForm, await request.form())
    if parsed.data is None:
        return await _link_page(request, token, FormView(errors=parsed.view.errors), status=422)
    new = parsed.data.new_password.get_secret_value()
    if new != parsed.data.repeated_password.get_secret_value():
        fault = FieldError("repeated_password", "This is not the same password again.")
        return await _link_page(request, token, FormView().with_errors([fault]), status=422)
    settings: Settings = request.app.state.settings
    came_from = CameFrom.of(request)
    try:
        opened = await reset_password(
            database_of(request),
            link_id=_signer(request).open(token),
            new=new,
            breached=BreachedPasswords(settings.breached_passwords),
            user_agent=came_from.user_agent,
            replaces=came_from.session_token,
        )
    except LinkNotValidError:
        return await _link_page(request, token, FormView())
    except WeakPasswordError as error:
        return await _link_page(request, token, FormView().with_errors(error.errors), status=error.status)
    return _on(request, opened, "Your password is changed. Every other browser is signed out.")


async def _link_page(request: Request, token: str, form: FormView, *, status: int = 200) -> Response:
    try:
        holder = await holder_of(database_of(request), _signer(request).open(token))
    except LinkNotValidError as error:
        return render(request, "identity/link.html", LinkPage(token, "", FormView()), status=error.status)
    return render(request, "identity/link.html", LinkPage(token, holder.email, form), status=status)


def _on(request: Request, opened: OpenedSession | SecondStep, told: str) -> Response:
    if isinstance(opened, SecondStep):
        response = redirect(request, "/sign-in/code")
        keep_step(request, response, opened)
        return response
    response = redirect(request, "/", told)
    keep_session(request, response, opened)
    return response


def _signer(request: Request) -> LinkSigner:
    settings: Settings = request.app.state.settings
    return LinkSigner(settings.signing_key)
