"""Pages on which administrators configure the sign-in providers of their institution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import OrgUnit
from academe.identity.providers.errors import ProviderFailedError
from academe.identity.providers.forms import ProviderForm
from academe.identity.providers.models import IdentityProvider
from academe.identity.providers.oidc.trying import Tried, tried
from academe.identity.providers.queries import providers_of
from academe.identity.providers.service import add_provider, change_provider, provider_for, remove_provider
from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.platform.actor import Actor
from academe.platform.errors import ConflictError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

LIST: Final = "/settings/providers"
router = page_router(LIST)

NAVIGATION: Final = (
    NavigationEntry("Sign-in providers", LIST, "login-2", visible=policy.decides_sign_in, section="Settings"),
)

UNKNOWN: Final = (
    (UnknownPerson.REFUSE.value, "Refuse them", "People connect the provider themselves, signed in another way."),
    (
        UnknownPerson.LINK.value,
        "Connect the account with their address",
        "When the provider has verified it, within the domains below; never of administrators and the like.",
    ),
)


@dataclass(frozen=True, slots=True)
class ProvidersPage:
    """The providers of an institution, each with how many people are connected."""

    institution: str
    providers: Sequence[tuple[IdentityProvider, int]]


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """The form of a provider; `provider_id` is None for a new one. `addresses` are what the provider has to know."""

    form: FormView
    provider_id: UUID | None
    title: str
    addresses: Sequence[tuple[str, str]]
    tried: Tried | None = None
    failed: str = ""
    choices: tuple[tuple[str, str, str], ...] = UNKNOWN

    @property
    def is_saml(self) -> bool:
        """Which of the two protocols the form is for."""
        return self.form.selected("kind", "saml")


@router.get("")
async def list_providers(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The providers by name."""
    institution_id = _institution(actor)
    institution = await session.get_one(OrgUnit, institution_id)
    page = ProvidersPage(institution.name, await providers_of(session, institution_id))
    return render(request, "identity/providers.html", page)


@router.get("/add")
async def show_new(request: Request, actor: SignedIn) -> Response:
    """The form for a new one; `?kind=saml` for one that speaks SAML."""
    _institution(actor)
    kind = "saml" if request.query_params.get("kind") == "saml" else "oidc"
    return _page(request, FormView({"unknown_person": "refuse", "is_active": "true", "kind": kind}))


@router.post("/add")
async def take_new(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Add it."""
    parsed = parse_form(ProviderForm, await request.form())
    if parsed.data is None:
        return _page(request, _without_secret(parsed.view), status=422)
    try:
        provider = await add_provider(
            session, actor=actor, institution_id=_institution(actor), wanted=parsed.data.wanted()
        )
    except (InvalidInputError, ConflictError) as error:
        return _page(request, _without_secret(parsed.view).with_errors(error.errors), status=error.status)
    return redirect(request, f"{LIST}/{provider.id}", "It is added. Try whether it answers.")


@router.get("/{provider_id}")
async def show_provider(request: Request, provider_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One of them."""
    provider = await provider_for(session, actor=actor, provider_id=provider_id)
    return _page(request, _view(provider), provider=provider)


@router.post("/{provider_id}")
async def take_provider(request: Request, provider_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Change it."""
    provider = await provider_for(session, actor=actor, provider_id=provider_id)
    parsed = parse_form(ProviderForm, await request.form())
    if parsed.data is None:
        return _page(request, _without_secret(parsed.view), provider=provider, status=422)
    try:
        async with session.begin_nested():
            await change_provider(session, actor=actor, provider_id=provider_id, wanted=parsed.data.wanted())
    except (InvalidInputError, ConflictError) as error:
        view = _without_secret(parsed.view).with_errors(error.errors)
        await session.refresh(provider)
        return _page(request, view, provider=provider, status=error.status)
    return redirect(request, f"{LIST}/{provider_id}", "It holds from now on.")


@router.post("/{provider_id}/try")
async def take_try(request: Request, provider_id: UUID, actor: SignedIn) -> Response:
    """Ask it what it publishes about itself."""
    database = database_of(request)
    async with database.reading(actor) as session:
        provider = await provider_for(session, actor=actor, provider_id=provider_id)
    try:
        found = await tried(database.settings, provider.issuer)
    except ProviderFailedError as error:
        return _page(request, _view(provider), provider=provider, failed=error.message, status=error.status)
    return _page(request, _view(provider), provider=provider, found=found)


@router.post("/{provider_id}/remove")
async def take_removal(request: Request, provider_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Take it away."""
    await remove_provider(session, actor=actor, provider_id=provider_id)
    return redirect(request, LIST, "The provider is removed.")


def _institution(actor: Actor) -> UUID:
    permitted = policy.institutions_to_administer(actor)
    policy.require(bool(permitted), actor, "Only administrators may decide by which providers people sign in.")
    return permitted[0]


def _view(provider: IdentityProvider) -> FormView:
    return FormView(
        {
            "name": provider.name,
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "unknown_person": provider.unknown_person.value,
            "domains": "\n".join(provider.domains),
            "second_factor_values": "\n".join(provider.second_factor_values),
            "is_active": "true" if provider.is_active else "",
            "kind": provider.kind.value,
            "sso_url": provider.sso_url,
            "certificates": provider.certificates,
        }
    )


def _without_secret(view: FormView) -> FormView:
    values = {name: value for name, value in view.values.items() if name != "client_secret"}
    return FormView(values, view.errors, view.general_errors)


def _page(
    request: Request,
    form: FormView,
    *,
    provider: IdentityProvider | None = None,
    found: Tried | None = None,
    failed: str = "",
    status: int = 200,
) -> Response:
    addresses: list[tuple[str, str]] = []
    if provider is not None:
        base = f"{request.url.scheme}://{request.url.netloc}/sign-in/providers/{provider.id}"
        addresses = [("Redirect URI", f"{base}/callback"), ("Back-channel logout URI", f"{base}/logout")]
        if provider.kind is ProviderKind.SAML:
            addresses = [("Metadata and entity id", f"{base}/metadata"), ("Assertion consumer service", f"{base}/saml")]
    page = ProviderPage(
        form,
        provider.id if provider else None,
        provider.name if provider else "Add a sign-in provider",
        addresses,
        found,
        failed,
    )
    return render(request, "identity/provider.html", page, status=status)
