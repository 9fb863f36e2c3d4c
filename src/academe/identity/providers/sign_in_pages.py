"""The way to a provider and back, as browsers go it, and the connecting of an account with a provider.

Every address to a provider is a link, not a form: our content security policy lets no form lead to another site. A link
changes nothing by itself; what comes of it is bound to the browser by a cookie, and connecting asks once more.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from academe.identity.errors import RecentSignInRequiredError
from academe.identity.providers.errors import (
    IdentityRefusedError,
    IdentityTakenError,
    ProviderFailedError,
    ProviderNotFoundError,
    SignInNotFinishedError,
)
from academe.identity.providers.flow import (
    LIFETIME,
    Arrived,
    Back,
    OurPlaces,
    Waiting,
    WayThere,
    begin,
    connect_waiting,
    finish,
    finish_answered,
    take_answer,
    waiting_for,
)
from academe.identity.providers.logout import sign_out_by_provider
from academe.identity.providers.saml.requests import OurAddresses, metadata
from academe.identity.providers.service import disconnect
from academe.identity.sign_in.browser import CameFrom, keep_session, keep_step, local_path, set_cookie
from academe.identity.sign_in.sessions import OpenedSession
from academe.identity.sign_in.unfinished import SecondStep
from academe.platform.errors import AcademeError
from academe.platform.http.cookies import provider_cookie_name
from academe.platform.http.dependencies import CurrentActor, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.logging import get_logger
from academe.platform.pages import redirect, render
from academe.platform.settings import Settings

router = page_router()

SECURITY: Final = "/account/security"
_CONNECT: Final = f"{SECURITY}/connect"
_log = get_logger()


@dataclass(frozen=True, slots=True)
class NotSignedInPage:
    """Why somebody could not be signed in by a provider, and where to go on."""

    title: str
    text: str
    back_href: str


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """The question whether an identity is the reader's own."""

    waiting: Waiting


@router.get("/sign-in/providers/{provider_id}")
async def go(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:
    """Send the browser to the provider."""
    next_path = local_path(request.query_params.get("next", ""))
    if not actor.is_anonymous:
        return redirect(request, next_path)
    try:
        way = await begin(
            database_of(request),
            provider_id=provider_id,
            places=_places(request, provider_id),
            next_path=next_path,
        )
    except (ProviderFailedError, ProviderNotFoundError) as error:
        return _failed(request, error)
    return _sent(request, way)


@router.get("/sign-in/providers/{provider_id}/callback")
async def come_back(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:  # noqa: ARG001 - the page shows who asks
    """Sign in whoever comes back, or ask for what is missing."""
    back = _back(request, provider_id)
    try:
        if not back.code:
            error_code = request.query_params.get("error", "")[:100]
            _log.info("provider.refused", provider_id=str(provider_id), error=error_code)
            raise SignInNotFinishedError("The provider did not sign you in.")
        arrived = await finish(database_of(request), provider_id=provider_id, back=back)
    except (ProviderFailedError, ProviderNotFoundError, SignInNotFinishedError, IdentityRefusedError) as error:
        return _failed(request, error)
    return _arrived(request, arrived)


@router.get("/sign-in/providers/{provider_id}/metadata")
async def show_metadata(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """What a SAML provider reads of us; there is nothing secret in it, and it is the same whether there is one."""
    return Response(metadata(_places(request, provider_id).saml), media_type="application/samlmetadata+xml")


@router.post("/sign-in/providers/{provider_id}/saml")
async def take_saml(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """A page of a SAML provider lets the browser post its answer here.

    It comes from another site, so without our cookies; the browser goes on by a GET, which has them.
    """
    response = (await request.form()).get("SAMLResponse")
    try:
        if not isinstance(response, str):
            raise SignInNotFinishedError
        ours = _places(request, provider_id).saml
        await take_answer(database_of(request), provider_id=provider_id, response=response, ours=ours)
    except (ProviderNotFoundError, SignInNotFinishedError) as error:
        return _failed(request, error)
    return redirect(request, f"/sign-in/providers/{provider_id}/answered")


@router.get("/sign-in/providers/{provider_id}/answered")
async def come_back_answered(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:  # noqa: ARG001 - the page shows who asks
    """Sign in the browser that asked."""
    try:
        back = _back(request, provider_id)
        arrived = await finish_answered(database_of(request), provider_id=provider_id, back=back)
    except (ProviderNotFoundError, SignInNotFinishedError, IdentityRefusedError) as error:
        return _failed(request, error)
    return _arrived(request, arrived)


@router.post("/sign-in/providers/{provider_id}/logout")
async def take_logout(request: Request, provider_id: UUID, actor: CurrentActor) -> Response:  # noqa: ARG001 - routes name their caller
    """The provider says that somebody has signed out there (Back-Channel Logout 1.0, section 2.5)."""
    token = (await request.form()).get("logout_token")
    quiet = {"Cache-Control": "no-store"}
    try:
        if not isinstance(token, str):
            raise SignInNotFinishedError
        await sign_out_by_provider(database_of(request), provider_id=provider_id, token=token)
    except (ProviderFailedError, ProviderNotFoundError, SignInNotFinishedError):
        return JSONResponse({"error": "invalid_request"}, 400, headers=quiet)
    return Response(status_code=200, headers=quiet)


@router.get(f"{SECURITY}/providers/{{provider_id}}/connect")
async def go_to_connect(request: Request, provider_id: UUID, actor: SignedIn) -> Response:
    """Send somebody who is signed in to a provider, to connect it with their account."""
    try:
        way = await begin(
            database_of(request),
            provider_id=provider_id,
            places=_places(request, provider_id),
            next_path=SECURITY,
            connecting=actor,
        )
    except RecentSignInRequiredError:
        return redirect(request, SECURITY, "Please sign in again first.", kind="warning")
    except (ProviderFailedError, ProviderNotFoundError) as error:
        return _failed(request, error, SECURITY)
    return _sent(request, way)


@router.get(_CONNECT)
async def show_connect(request: Request, actor: SignedIn) -> Response:
    """Ask whether the identity that was shown is the reader's own."""
    try:
        waiting = await waiting_for(database_of(request), actor=actor, token=_token(request))
    except (SignInNotFinishedError, ProviderNotFoundError) as error:
        return _failed(request, error, SECURITY)
    return render(request, "identity/provider_connect.html", ConnectPage(waiting))


@router.post(_CONNECT)
async def take_connect(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Connect it."""
    try:
        name = await connect_waiting(session, database_of(request), actor=actor, token=_token(request))
    except (SignInNotFinishedError, ProviderNotFoundError, IdentityTakenError, IdentityRefusedError) as error:
        return _failed(request, error, SECURITY)
    response = redirect(request, SECURITY, f"{name} now signs you in.")
    _forget(request, response)
    return response


@router.post(f"{SECURITY}/identities/{{identity_id}}/remove")
async def take_disconnect(request: Request, identity_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End a connection."""
    await disconnect(session, actor=actor, identity_id=identity_id)
    return redirect(request, SECURITY, "It signs you in no more.")


def _back(request: Request, provider_id: UUID) -> Back:
    query = request.query_params
    came_from = CameFrom.of(request)
    return Back(
        token=_token(request),
        state=query.get("state", ""),
        code=query.get("code", ""),
        issuer=query.get("iss"),
        redirect_uri=_places(request, provider_id).redirect_uri,
        user_agent=came_from.user_agent,
        replaces=came_from.session_token,
    )


def _arrived(request: Request, arrived: Arrived) -> Response:
    if arrived.opened is None:
        return redirect(request, _CONNECT)
    response = _on(request, arrived.opened, arrived.next_path)
    _forget(request, response)
    return response


def _on(request: Request, opened: OpenedSession | SecondStep, next_path: str) -> Response:
    if isinstance(opened, SecondStep):
        response = redirect(request, f"/sign-in/code?{urlencode({'next': next_path})}")
        keep_step(request, response, opened)
        return response
    response = redirect(request, next_path)
    keep_session(request, response, opened)
    return response


def _sent(request: Request, way: WayThere) -> Response:
    response = RedirectResponse(way.address, 303, headers={"Cache-Control": "no-store"})
    set_cookie(request, response, provider_cookie_name(_settings(request)), way.token, LIFETIME.total_seconds())
    return response


def _forget(request: Request, response: Response) -> None:
    set_cookie(request, response, provider_cookie_name(_settings(request)), "", 0)


def _failed(request: Request, error: AcademeError, back_href: str = "/sign-in") -> Response:
    text = error.message if error.message != error.title else ""
    return render(
        request, "identity/provider_failed.html", NotSignedInPage(error.title, text, back_href), status=error.status
    )


def _places(request: Request, provider_id: UUID) -> OurPlaces:
    """The guard has let the host name pass, and in production that is one of the settings."""
    base = f"{request.url.scheme}://{request.url.netloc}/sign-in/providers/{provider_id}"
    return OurPlaces(f"{base}/callback", OurAddresses(f"{base}/metadata", f"{base}/saml"))


def _token(request: Request) -> str:
    return request.cookies.get(provider_cookie_name(_settings(request)), "")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
