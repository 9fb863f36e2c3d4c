"""Pages of the second factor: the second step of signing in, and the setting up of an app."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.errors import FactorStateError, SignInExpiredError, TooManyAttemptsError, WrongCodeError
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.providers.queries import WayIn, ways_in_of
from academe.identity.queries import own_account
from academe.identity.second_factor.forms import CodeForm
from academe.identity.second_factor.service import (
    begin_app,
    confirm_app,
    finish_sign_in,
    make_codes,
    remove_app,
    remove_factors_of,
)
from academe.identity.second_factor.totp import app_address, picture_of
from academe.identity.sign_in.browser import (
    CameFrom,
    forget_session,
    forget_step,
    keep_session,
    local_path,
    step_token,
)
from academe.identity.sign_in.models import Passkey
from academe.identity.sign_in.queries import FactorState, demanded_of, factor_state, passkeys_of, waiting_secret
from academe.identity.sign_in.sessions import sign_out, signed_in_recently
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import CurrentActor, ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render
from academe.platform.settings import Settings

router = page_router()

SECURITY: Final = "/account/security"
_APP: Final = f"{SECURITY}/app"
_GROUP: Final = 4

_throttle: Final = AttemptThrottle()


@dataclass(frozen=True, slots=True)
class CodePage:
    """The second step of signing in."""

    form: FormView
    next_path: str


@dataclass(frozen=True, slots=True)
class SecurityPage:
    """How one signs in; `recent` says whether it may be changed without signing in again.

    `is_needed` says that a role of theirs needs a second factor.
    """

    state: FactorState
    recent: bool
    is_needed: bool
    passkeys: Sequence[Passkey]
    ways_in: Sequence[WayIn]
    form: FormView


@dataclass(frozen=True, slots=True)
class AppPage:
    """The secret for an app, as a picture and in letters, and the form for its first code."""

    form: FormView
    picture: Markup
    secret: str


@dataclass(frozen=True, slots=True)
class CodesPage:
    """Recovery codes, for the only time."""

    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class FactorCard:
    """What administrators see of somebody's second factor."""

    person: Person
    state: FactorState


@router.get("/sign-in/code")
async def show_code(request: Request, actor: CurrentActor) -> Response:
    """The form for the code; for a browser that has shown a password."""
    next_path = local_path(request.query_params.get("next", ""))
    if not actor.is_anonymous:
        return redirect(request, next_path)
    if step_token(request) is None:
        return redirect(request, f"/sign-in?{urlencode({'next': next_path})}")
    return render(request, "identity/code.html", CodePage(FormView(), next_path))


@router.post("/sign-in/code")
async def take_code(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - the page shows who asks
    """Check the code and open the session."""
    submitted = await request.form()
    next_path = local_path(str(submitted.get("next", "")))
    parsed = parse_form(CodeForm, submitted)
    if parsed.data is None:
        return render(request, "identity/code.html", CodePage(parsed.view, next_path), status=422)
    came_from = CameFrom.of(request)
    try:
        opened = await finish_sign_in(
            database_of(request),
            throttle=_throttle,
            token=step_token(request) or "",
            code=parsed.data.code,
            network=came_from.network,
            user_agent=came_from.user_agent,
            replaces=came_from.session_token,
        )
    except SignInExpiredError as error:
        response = redirect(request, f"/sign-in?{urlencode({'next': next_path})}", f"{error.message}.", kind="warning")
        forget_step(request, response)
        return response
    except WrongCodeError as error:
        page = CodePage(FormView().with_errors(error.errors), next_path)
        return render(request, "identity/code.html", page, status=error.status)
    except TooManyAttemptsError as error:
        page = CodePage(FormView(general_errors=[error.message]), next_path)
        return render(request, "identity/code.html", page, status=error.status)
    response = redirect(request, next_path)
    keep_session(request, response, opened)
    return response


@router.get(SECURITY)
async def show_security(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """How one signs in, and what may be done about it."""
    return await security_page(request, actor, session, FormView())


async def security_page(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    """The page, with the form that names a passkey."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    page = SecurityPage(
        state=await factor_state(session, actor.person_id),
        recent=await signed_in_recently(session, actor),
        is_needed=await demanded_of(session, actor.scopes),
        passkeys=await passkeys_of(session, actor.person_id),
        ways_in=await ways_in_of(session, actor.person_id),
        form=form,
    )
    return render(request, "identity/security.html", page, status=status)


@router.post(f"{SECURITY}/again")
async def take_again(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Sign out, to sign in again and come back."""
    await sign_out(session, actor=actor)
    response = redirect(request, f"/sign-in?{urlencode({'next': SECURITY})}")
    forget_session(request, response)
    return response


@router.post(_APP)
async def take_app(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Make a secret for an app and show it."""
    await begin_app(session, actor=actor)
    return redirect(request, _APP)


@router.get(_APP)
async def show_app(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The secret that waits for its first code."""
    return await _app_page(request, actor, session, FormView())


@router.post(f"{_APP}/confirm")
async def take_confirmation(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Let the app count, and show the recovery codes."""
    parsed = parse_form(CodeForm, await request.form())
    if parsed.data is None:
        return await _app_page(request, actor, session, parsed.view, status=422)
    settings: Settings = request.app.state.settings
    try:
        added = await confirm_app(
            session,
            actor=actor,
            code=parsed.data.code,
            lifetime=timedelta(hours=settings.session_absolute_hours),
            user_agent=request.headers.get("user-agent", ""),
        )
    except WrongCodeError as error:
        return await _app_page(request, actor, session, FormView().with_errors(error.errors), status=error.status)
    response = render(request, "identity/recovery_codes.html", CodesPage(added.codes))
    keep_session(request, response, added.opened)
    return response


@router.post(f"{_APP}/remove")
async def take_removal(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Sign in with the password alone from now on."""
    await remove_app(session, actor=actor)
    return redirect(request, SECURITY, "Your authenticator app is removed.")


@router.post(f"{SECURITY}/codes")
async def take_codes(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Make new recovery codes and show them."""
    codes = await make_codes(session, actor=actor)
    return render(request, "identity/recovery_codes.html", CodesPage(codes))


@router.post("/people/{person_id}/second-factor/remove")
async def take_removal_of(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Take the lost second factors of somebody away."""
    await remove_factors_of(session, actor=actor, person_id=person_id)
    return redirect(request, f"/people/{person_id}", "The second factors are removed.")


async def factor_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The card about somebody's second factor, for administrators."""
    if not policy.can_manage_accounts(actor, person.institution_id):
        return None
    state = await factor_state(session, person.id)
    if not state.is_set_up:
        return None
    subject = Subject("totp_factor", person.id, person.institution_id, person.id)
    record_access(session, actor=actor, subject=subject, purpose="managing accounts")
    return PersonCard("identity/factor_card.html", FactorCard(person, state))


async def _app_page(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    secret = await waiting_secret(session, actor.person_id)
    if secret is None:
        raise FactorStateError("There is no authenticator app that waits for its first code.")
    account = await own_account(session, actor.person_id)
    picture = picture_of(app_address(secret, holder=account.email, issuer=account.institution))
    letters = " ".join(secret[at : at + _GROUP] for at in range(0, len(secret), _GROUP))
    return render(request, "identity/app.html", AppPage(form, picture, letters), status=status)
