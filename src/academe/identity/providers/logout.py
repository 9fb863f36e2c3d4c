"""Back-channel logout: a provider says that somebody has signed out there, and their sessions here end too."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, delete, select

from academe.identity.models import Account, AccountSession
from academe.identity.providers.errors import ProviderNotFoundError, SignInNotFinishedError
from academe.identity.providers.models import IdentityProvider
from academe.identity.providers.oidc.discovery import ASKED_AGAIN_AFTER_SECONDS, keys_of, metadata_of
from academe.identity.providers.oidc.tokens import OLDEST_SECONDS, SKEW_SECONDS, Logout, UnknownKeyError, logout_of
from academe.identity.providers.seen import first_time
from academe.identity.providers.sessions import end_sessions_by
from academe.identity.providers.types import ProviderKind
from academe.identity.sign_in.models import SignInIdentity, UnfinishedSignIn
from academe.identity.sign_in.sessions import about_account, with_person
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import record
from academe.platform.database.session import Database

ACTOR: Final[Actor] = system_actor("sign out by a provider")

_ACCEPTED: Final = timedelta(seconds=OLDEST_SECONDS + 3 * SKEW_SECONDS)


async def sign_out_by_provider(database: Database, *, provider_id: UUID, token: str) -> int:
    """End what a logout token names; returns how many sessions. A token counts once.

    Raises SignInNotFinishedError, ProviderFailedError, ProviderNotFoundError.
    """
    async with database.transaction(ACTOR) as session:
        provider = await session.get(IdentityProvider, provider_id)
        if provider is None or provider.kind is not ProviderKind.OIDC:
            raise ProviderNotFoundError
    wanted = await _wanted(database, provider, token)
    async with database.transaction(ACTOR) as session:
        await first_time(session, provider.id, wanted.token_id, clock.now() + _ACCEPTED)
        named = [SignInIdentity.provider_id == provider.id]
        if wanted.subject is not None:
            named.append(SignInIdentity.auth_provider_id == wanted.subject)
        identities = select(SignInIdentity.id).where(*named)
        of_session = UnfinishedSignIn.provider_session == wanted.session if wanted.session else None
        waiting = delete(UnfinishedSignIn).where(UnfinishedSignIn.identity_id.in_(identities))
        await session.execute(waiting if of_session is None else waiting.where(of_session))
        if wanted.session is not None:
            named.append(AccountSession.provider_session == wanted.session)
        ended = await end_sessions_by(session, and_(*named))
        for account_id in sorted(set(ended)):
            account = (await session.execute(with_person().where(Account.id == account_id))).scalar_one()
            summary = f"Signed out by {provider.name}"
            record(session, actor=ACTOR, action="session.ended", subject=about_account(account), summary=summary)
        return len(ended)


async def _wanted(database: Database, provider: IdentityProvider, token: str) -> Logout:
    metadata = await metadata_of(database.settings, provider.issuer)
    for older_than in (None, ASKED_AGAIN_AFTER_SECONDS):
        keys = await keys_of(database.settings, metadata, older_than=older_than)
        try:
            return logout_of(
                token,
                keys.keys,
                algorithms=metadata.algorithms,
                issuer=provider.issuer,
                client_id=provider.client_id,
            )
        except UnknownKeyError:
            continue  # the provider may sign with a new key
    raise SignInNotFinishedError
