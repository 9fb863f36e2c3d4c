"""Pages of one's tokens, and of the service accounts of an institution. What opens something is shown once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import OrgUnit
from academe.identity.sign_in.sessions import signed_in_recently
from academe.identity.tokens.forms import ServiceAccountForm, TokenForm
from academe.identity.tokens.models import ApiToken, ServiceAccount
from academe.identity.tokens.queries import service_accounts_of, tokens_of
from academe.identity.tokens.service import (
    create_service_account,
    create_token,
    revoke_service_account,
    revoke_token,
    rotate_secret,
)
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AcademeError, AuthenticationRequiredError, ConflictError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

OWN: Final = "/account/tokens"
SERVICES: Final = "/settings/service-accounts"
router = page_router()

NAVIGATION: Final = (
    NavigationEntry("Service accounts", SERVICES, "robot", visible=policy.decides_sign_in, section="Settings"),
)


@dataclass(frozen=True, slots=True)
class TokensPage:
    """One's tokens, and the form for a new one when the browser has signed in recently."""

    tokens: Sequence[ApiToken]
    form: FormView
    scopes: Sequence[tuple[str, str, str]]
    recent: bool


@dataclass(frozen=True, slots=True)
class ServiceAccountsPage:
    """The service accounts of an institution, and the form for a new one."""

    institution: str
    accounts: Sequence[tuple[ServiceAccount, str]]
    form: FormView
    scopes: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class OnceCredentialsPage:
    """What opens something, for the only time: names and values, and where to go on."""

    title: str
    pairs: Sequence[tuple[str, str]]
    back_href: str


@router.get(OWN)
async def show_tokens(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One's tokens."""
    return await _tokens(request, actor, session, FormView({"days": "90", "scopes": ["read"]}))


@router.post(OWN)
async def take_token(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Make one and show it."""
    parsed = parse_form(TokenForm, await request.form())
    if parsed.data is None:
        return await _tokens(request, actor, session, parsed.view, status=422)
    form, areas = parsed.data, request.app.state.api_areas
    try:
        issued = await create_token(
            session, actor=actor, name=form.name, scopes=form.scopes, areas=areas, days=form.days
        )
    except (InvalidInputError, ConflictError) as error:
        return await _tokens(request, actor, session, _faulty(parsed.view, error), status=error.status)
    return _once(request, f"Token {form.name.strip()}", [("Token", issued.secret)], OWN)


@router.post(f"{OWN}/{{token_id}}/revoke")
async def take_revocation(request: Request, token_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End one."""
    await revoke_token(session, actor=actor, token_id=token_id)
    return redirect(request, OWN, "The token is revoked.")


@router.get(SERVICES)
async def show_services(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The service accounts of the institution."""
    return await _services(request, actor, session, FormView({"scopes": ["read"]}))


@router.post(SERVICES)
async def take_service(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Make one and show its secret."""
    parsed = parse_form(ServiceAccountForm, await request.form())
    if parsed.data is None:
        return await _services(request, actor, session, parsed.view, status=422)
    try:
        issued = await create_service_account(
            session,
            actor=actor,
            institution_id=_institution(actor),
            name=parsed.data.name,
            scopes=parsed.data.scopes,
            areas=request.app.state.api_areas,
        )
    except (InvalidInputError, ConflictError) as error:
        return await _services(request, actor, session, _faulty(parsed.view, error), status=error.status)
    return _once(request, parsed.data.name.strip(), _client(request, issued.id, issued.secret), SERVICES)


@router.post(f"{SERVICES}/{{service_account_id}}/secret")
async def take_secret(request: Request, service_account_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Give one another secret and show it."""
    issued = await rotate_secret(session, actor=actor, service_account_id=service_account_id)
    return _once(request, "A new secret", _client(request, issued.id, issued.secret), SERVICES)


@router.post(f"{SERVICES}/{{service_account_id}}/revoke")
async def take_end(request: Request, service_account_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End one."""
    await revoke_service_account(session, actor=actor, service_account_id=service_account_id)
    return redirect(request, SERVICES, "The service account is revoked.")


async def _tokens(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    page = TokensPage(
        await tokens_of(session, actor.person_id), form, _choices(request), await signed_in_recently(session, actor)
    )
    return render(request, "identity/tokens.html", page, status=status)


async def _services(
    request: Request, actor: Actor, session: ReadSession | Session, form: FormView, *, status: int = 200
) -> Response:
    institution = await session.get_one(OrgUnit, _institution(actor))
    accounts = await service_accounts_of(session, institution.id)
    page = ServiceAccountsPage(institution.name, accounts, form, _choices(request))
    return render(request, "identity/service_accounts.html", page, status=status)


def _choices(request: Request) -> list[tuple[str, str, str]]:
    areas = [area.replace("-", " ") for area in request.app.state.api_areas]
    everywhere = [
        ("read", "Read everything", "within the roles of its owner"),
        ("write", "Read and change everything", ""),
    ]
    reading = [(f"{area.replace(' ', '-')}:read", f"Read {area}", "") for area in areas]
    writing = [(f"{area.replace(' ', '-')}:write", f"Read and change {area}", "") for area in areas]
    return [*everywhere, *(each for pair in zip(reading, writing, strict=True) for each in pair)]


def _institution(actor: Actor) -> UUID:
    permitted = policy.institutions_to_administer(actor)
    policy.require(bool(permitted), actor, "Only administrators may manage service accounts.")
    return permitted[0]


def _client(request: Request, client_id: UUID, secret: str) -> list[tuple[str, str]]:
    endpoint = f"{request.url.scheme}://{request.url.netloc}/oauth/token"
    return [("Token endpoint", endpoint), ("Client id", str(client_id)), ("Client secret", secret)]


def _once(request: Request, title: str, pairs: Sequence[tuple[str, str]], back_href: str) -> Response:
    return render(request, "identity/credentials_once.html", OnceCredentialsPage(title, pairs, back_href), status=201)


def _faulty(view: FormView, error: AcademeError) -> FormView:
    if error.errors:
        return view.with_errors(error.errors)
    return FormView(view.values, view.errors, [*view.general_errors, f"{error.message}."])
