"""Who acts by a token: its owner, with the roles of the moment, in what the scopes of the token cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, or_, select, update
from starlette.requests import Request

from academe.identity.errors import SecondFactorRequiredError
from academe.identity.models import Account, Person
from academe.identity.queries import role_scopes
from academe.identity.sign_in.actors import KEPT_SECONDS, ScopeSource, forgotten_with_actors
from academe.identity.sign_in.queries import demanded_of, has_second_factor
from academe.identity.sign_in.renewal import token_hash
from academe.identity.sign_in.resolver import BearerResolver
from academe.identity.tokens.errors import ScopeMissingError, TokenRefusedError
from academe.identity.tokens.models import ApiToken, ServiceAccount
from academe.identity.tokens.scopes import allows, area_of, needed
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.actor import Actor, ActorKind, system_actor
from academe.platform.cache import MemoryCache
from academe.platform.database.session import Database
from academe.platform.http.routing import API_PREFIX

ACTOR: Final[Actor] = system_actor("read a token")
_USE_NOTED_EVERY: Final = timedelta(minutes=1)
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class _Known:
    """A token in force; `lacks_factor` as of a session."""

    actor: Actor
    scopes: frozenset[str]
    expires_at: datetime
    lacks_factor: bool


_known: Final[MemoryCache[bytes, _Known]] = MemoryCache(entries=10_000, seconds=KEPT_SECONDS)
forgotten_with_actors(_known)


def bearer_resolver(sources: Sequence[ScopeSource]) -> BearerResolver:
    """How a bearer token (RFC 6750) becomes an actor; `sources` as for sessions.

    Raises TokenRefusedError, ScopeMissingError and SecondFactorRequiredError.
    """

    async def resolve(request: Request, token: str) -> Actor:
        if not request.url.path.startswith(f"{API_PREFIX}/") or not 0 < len(token) <= _LONGEST:
            raise TokenRefusedError
        key = token_hash(token)
        known = await _known.get_or_load(key, lambda: _load(request.app.state.database, key, sources))
        if known.expires_at <= clock.now():
            raise TokenRefusedError
        wanted = needed(request.method, _area(request))
        if not allows(known.scopes, wanted):
            raise ScopeMissingError(wanted)
        if known.lacks_factor:
            raise SecondFactorRequiredError
        return known.actor

    return resolve


def _area(request: Request) -> str:
    tags = getattr(request.scope.get("route"), "tags", None) or ["none"]
    return area_of(str(tags[0]))


async def _load(database: Database, key: bytes, sources: Sequence[ScopeSource]) -> _Known:
    now = clock.now()
    async with database.transaction(ACTOR) as session:
        in_force = (ApiToken.token_hash == key, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
        found = await session.execute(
            select(ApiToken, Person.display_name, Account.id)
            .join(Person, Person.id == ApiToken.person_id)
            .outerjoin(Account, Account.person_id == Person.id)
            .where(*in_force, Person.status == PersonStatus.ACTIVE)
            .where(
                or_(
                    Account.is_active,
                    exists().where(ServiceAccount.person_id == Person.id, ServiceAccount.revoked_at.is_(None)),
                )
            )
        )
        row = found.one_or_none()
        if row is None:
            raise TokenRefusedError
        token, name, account_id = row
        if token.last_used_at is None or now - token.last_used_at >= _USE_NOTED_EVERY:
            await session.execute(update(ApiToken).where(ApiToken.id == token.id).values(last_used_at=now))
        scopes = list(await role_scopes(session, token.person_id))
        for source in sources:
            scopes.extend(await source(session, token.person_id))
        # Programs have no second factor; people do not lose theirs by sending a program.
        lacks = bool(account_id) and await demanded_of(session, scopes)
        lacks = lacks and not await has_second_factor(session, account_id)
        actor = Actor(kind=ActorKind.PERSON, label=name, person_id=token.person_id, scopes=tuple(scopes))
        return _Known(actor, frozenset(token.scopes), token.expires_at, lacks)
