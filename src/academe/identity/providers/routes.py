"""JSON of sign-in providers: administrators configure them, and people see and end their own connections."""

from uuid import UUID

from starlette.requests import Request

from academe.identity import policy
from academe.identity.providers.errors import ProviderFailedError
from academe.identity.providers.oidc.trying import tried
from academe.identity.providers.queries import providers_of
from academe.identity.providers.schemas import ProviderIn, ProviderOut, TriedOut
from academe.identity.providers.service import (
    add_provider,
    change_provider,
    disconnect,
    provider_for,
    remove_provider,
)
from academe.identity.providers.types import ProviderKind
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("", tag="identity")

_PROVIDERS = "/institutions/{institution_id}/sign-in-providers"
_ONE = "/sign-in-providers/{provider_id}"


@router.get(_PROVIDERS)
async def list_sign_in_providers(institution_id: UUID, actor: SignedIn, session: ReadOnlySession) -> list[ProviderOut]:
    """The providers of an institution by name: its administrators."""
    permitted = policy.can_manage_accounts(actor, institution_id)
    policy.require(permitted, actor, "Only administrators may see how people sign in.")
    return [ProviderOut.model_validate(provider) for provider, _ in await providers_of(session, institution_id)]


@router.post(_PROVIDERS, status_code=201)
@safe_to_repeat
async def add_sign_in_provider(
    institution_id: UUID, body: ProviderIn, actor: SignedIn, session: WriteSession
) -> ProviderOut:
    """Let people of the institution sign in by a provider."""
    provider = await add_provider(session, actor=actor, institution_id=institution_id, wanted=body.wanted())
    return ProviderOut.model_validate(provider)


@router.get(_ONE)
async def show_sign_in_provider(provider_id: UUID, actor: SignedIn, session: ReadOnlySession) -> ProviderOut:
    """One of them."""
    return ProviderOut.model_validate(await provider_for(session, actor=actor, provider_id=provider_id))


@router.put(_ONE)
@safe_to_repeat
async def change_sign_in_provider(
    provider_id: UUID, body: ProviderIn, actor: SignedIn, session: WriteSession
) -> ProviderOut:
    """Change how a provider is spoken to and believed."""
    provider = await change_provider(session, actor=actor, provider_id=provider_id, wanted=body.wanted())
    return ProviderOut.model_validate(provider)


@router.delete(_ONE, status_code=204)
@safe_to_repeat
async def remove_sign_in_provider(provider_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Take a provider away, with every connection to it and the sessions it has opened."""
    await remove_provider(session, actor=actor, provider_id=provider_id)


@router.post(f"{_ONE}/try")
async def try_sign_in_provider(request: Request, provider_id: UUID, actor: SignedIn) -> TriedOut:
    """Ask a provider what it publishes about itself, now."""
    database = database_of(request)
    async with database.reading(actor) as session:
        provider = await provider_for(session, actor=actor, provider_id=provider_id)
    if provider.kind is not ProviderKind.OIDC:
        raise ProviderFailedError("Only providers of OpenID Connect publish what they are.")
    found = await tried(database.settings, provider.issuer)
    return TriedOut(
        authorization_endpoint=found.metadata.authorization_endpoint,
        token_endpoint=found.metadata.token_endpoint,
        jwks_uri=found.metadata.jwks_uri,
        algorithms=sorted(found.metadata.algorithms),
        keys=found.keys,
    )


@router.delete("/me/sign-in-identities/{identity_id}", status_code=204)
@safe_to_repeat
async def end_sign_in_identity(identity_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Let a provider open the caller's account no more."""
    await disconnect(session, actor=actor, identity_id=identity_id)
