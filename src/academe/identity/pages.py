"""Pages of identity: the way in and out, the first page, and one's own account."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.access.masquerade.service import behind, end_masquerade
from academe.identity.errors import SignInRefusedError, TooManyAttemptsError, WeakPasswordError, WrongPasswordError
from academe.identity.forms import PasswordForm, SignInForm
from academe.identity.providers.queries import OfferedProvider, offered_providers
from academe.identity.queries import (
    HeldRole,
    MadeUpAccount,
    OwnAccount,
    OwnSession,
    held_roles,
    made_up_accounts,
    own_account,
    own_sessions,
    start_page_of,
)
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.browser import CameFrom, forget_session, keep_session, keep_step, local_path
from academe.identity.sign_in.models import SignInIdentity
from academe.identity.sign_in.passwords import MINIMUM_LENGTH
from academe.identity.sign_in.queries import identities_of
from academe.identity.sign_in.service import change_password, sign_in
from academe.identity.sign_in.sessions import end_other_sessions, end_session, sign_out
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.sign_in.unfinished import SecondStep
from academe.identity.types import ROLE_MEANINGS
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, FieldError
from academe.platform.http.dependencies import CurrentActor, ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages.forms import FormView, parse_form
from academe.platform.pages.render import page_kit, redirect, render
from academe.platform.settings import Settings

router = page_router()

_throttle: Final = AttemptThrottle()


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """The first page of somebody who is not signed in."""

    sign_in_href: str = "/sign-in"


@dataclass(frozen=True, slots=True)
class NoRolePage:
    """The first page of somebody who may see nothing yet, with or without a role."""

    name: str
    has_role: bool


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form to sign in. `made_up` are the accounts of a demo; it is empty elsewhere."""

    form: FormView
    next_path: str
    made_up: Sequence[MadeUpAccount]
    providers: Sequence[OfferedProvider]

    @property
    def one_institution(self) -> bool:
        """Whether the providers need not say whose they are."""
        return len({provider.institution for provider in self.providers}) == 1


@dataclass(frozen=True, slots=True)
class ShownRole:
    """A role, what it lets its holder see, and where and until when it is held."""

    name: str
    meaning: str
    places: str


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A browser that is signed in."""

    session: OwnSession
    device: str
    is_present: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One's own account."""

    account: OwnAccount
    roles: Sequence[ShownRole]
    sessions: Sequence[ShownSession]
    identities: Sequence[SignInIdentity]
    form: FormView
    minimum_length: int = MINIMUM_LENGTH


@router.get("/")
async def show_home(request: Request, actor: CurrentActor, session: ReadOnlySession) -> Response:
    """Welcome whoever is not signed in; take everybody else to the page they chose, or the first they may see."""
    if actor.person_id is None:
        return render(request, "identity/welcome.html", WelcomePage())
    sections = page_kit(request).navigation_for(actor, "/")
    seen = [link.href for section in sections for link in section.links if link.href != "/"]
    chosen = await start_page_of(session, actor.person_id)
    first = chosen if chosen in seen else next(iter(seen), None)
    if first is not None:
        return redirect(request, first)
    return render(request, "identity/no_role.html", NoRolePage(actor.label, bool(actor.roles)))


@router.get("/sign-in")
async def show_sign_in(request: Request, actor: CurrentActor) -> Response:
    """The form; whoever is signed in already goes on."""
    next_path = local_path(request.query_params.get("next", ""))
    if not actor.is_anonymous:
        return redirect(request, next_path)
    form = FormView({"email": request.query_params.get("email", "")})
    return await _sign_in_page(request, form, next_path)


@router.post("/sign-in")
async def take_sign_in(request: Request, actor: CurrentActor) -> Response:  # noqa: ARG001 - the page shows who asks
    """Check address and password, set the cookie and go where the person wanted to go."""
    submitted = await request.form()
    next_path = local_path(str(submitted.get("next", "")))
    parsed = parse_form(SignInForm, submitted)
    shown = FormView({"email": parsed.view.value("email")})
    if parsed.data is None:
        return await _sign_in_page(request, FormView(shown.values, parsed.view.errors), next_path, status=422)
    came_from = CameFrom.of(request)
    try:
        opened = await sign_in(
            database_of(request),
            throttle=_throttle,
            email=parsed.data.email,
            password=parsed.data.password.get_secret_value(),
            network=came_from.network,
            user_agent=came_from.user_agent,
            replaces=came_from.session_token,
        )
    except (SignInRefusedError, TooManyAttemptsError) as error:
        failed = FormView(shown.values, general_errors=[f"{error.message.rstrip('.')}."])
        return await _sign_in_page(request, failed, next_path, status=error.status)
    if isinstance(opened, SecondStep):
        response = redirect(request, f"/sign-in/code?{urlencode({'next': next_path})}")
        keep_step(request, response, opened)
        return response
    response = redirect(request, next_path)
    keep_session(request, response, opened)
    return response


@router.post("/sign-out")
async def take_sign_out(request: Request, actor: CurrentActor) -> Response:
    """End this browser's session; harmless for whoever has none. Who acts as somebody else ends that with it."""
    really = behind(actor)
    async with database_of(request).transaction(really) as session:
        if actor.masquerader_id is not None:
            await end_masquerade(session, actor=really)
        await sign_out(session, actor=really)
    response = redirect(request, "/", "You are signed out.")
    forget_session(request, response)
    return response


@router.get("/account")
async def show_account(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Who one is here, why one sees what one sees, and where one is signed in."""
    return await _account_page(request, actor, session, FormView())


@router.post("/account/password")
async def take_password(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Change the password; every other browser is signed out."""
    parsed = parse_form(PasswordForm, await request.form())
    if parsed.data is None:
        return await _account_page(request, actor, session, FormView(errors=parsed.view.errors), status=422)
    new = parsed.data.new_password.get_secret_value()
    if new != parsed.data.repeated_password.get_secret_value():
        fault = FieldError("repeated_password", "This is not the same password again.")
        return await _account_page(request, actor, session, FormView().with_errors([fault]), status=422)
    settings: Settings = request.app.state.settings
    try:
        opened = await change_password(
            session,
            actor=actor,
            present=parsed.data.present_password.get_secret_value(),
            new=new,
            breached=BreachedPasswords(settings.breached_passwords),
            lifetime=timedelta(hours=settings.session_absolute_hours),
            user_agent=request.headers.get("user-agent", ""),
        )
    except (WrongPasswordError, WeakPasswordError) as error:
        form = FormView().with_errors(error.errors)
        return await _account_page(request, actor, session, form, status=error.status)
    response = redirect(request, "/account", "Your password is changed. Every other browser is signed out.")
    keep_session(request, response, opened)
    return response


@router.post("/account/sessions/end-others")
async def take_end_others(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Sign every other browser out."""
    count = await end_other_sessions(session, actor=actor)
    told = "There was no other." if count == 0 else f"Signed out elsewhere: {count}."
    return redirect(request, "/account", told)


@router.post("/account/sessions/{session_id}/end")
async def take_end_session(request: Request, session_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Sign one of one's browsers out."""
    await end_session(session, actor=actor, session_id=session_id)
    return redirect(request, "/account", "That browser is signed out.")


def device_of(user_agent: str) -> str:
    """A browser's name for a person, as far as it says: "Firefox on Linux"."""
    browsers = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"))
    more_systems = (("Mac OS", "macOS"), ("Linux", "Linux"))
    browser = next((name for mark, name in (*browsers, ("Safari/", "Safari")) if mark in user_agent), "A program")
    system = next((name for mark, name in (*systems, *more_systems) if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


async def _sign_in_page(request: Request, form: FormView, next_path: str, *, status: int = 200) -> Response:
    settings: Settings = request.app.state.settings
    made_up: Sequence[MadeUpAccount] = ()
    async with database_of(request).reading(system_actor("show the ways to sign in")) as session:
        providers = await offered_providers(session)
        if not settings.is_production:
            made_up = await made_up_accounts(session)
    page = SignInPage(form, next_path, made_up, providers)
    return render(request, "identity/sign_in.html", page, status=status)


async def _account_page(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    settings: Settings = request.app.state.settings
    account = await own_account(session, actor.person_id)
    sessions = await own_sessions(session, actor.person_id, idle=timedelta(minutes=settings.session_idle_minutes))
    page = AccountPage(
        account=account,
        roles=[*_granted(await held_roles(session, actor.person_id)), *_taught(actor)],
        sessions=[ShownSession(one, device_of(one.user_agent), one.id == actor.session_id) for one in sessions],
        identities=await identities_of(session, actor.person_id),
        form=form,
    )
    return render(request, "identity/account.html", page, status=status)


def _granted(roles: Sequence[HeldRole]) -> list[ShownRole]:
    def place(held: HeldRole) -> str:
        until = f" until {held.ends_on:%-d %B %Y}" if held.ends_on else ""
        return f"{held.org_unit_name}{until}"

    return [ShownRole(held.role.value.capitalize(), ROLE_MEANINGS[held.role.value], place(held)) for held in roles]


def _taught(actor: Actor) -> list[ShownRole]:
    taught = Counter(scope.role for scope in actor.scopes if scope.offering_id is not None)
    return [
        ShownRole(role.capitalize(), ROLE_MEANINGS[role], f"{count} offering{'s' if count > 1 else ''}")
        for role, count in sorted(taught.items())
    ]
