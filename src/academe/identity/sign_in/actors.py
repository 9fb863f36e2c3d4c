"""Who is behind a session's token: read from the database, kept for ten seconds, forgotten at once when it changes.

Another process may believe an ended session or role for as long as that; the row-level-security policies, which read
the roles themselves, do not.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, event, select, update

from academe.identity.models import Account, AccountSession, Person
from academe.identity.queries import has_opened, records_opened_by, role_scopes
from academe.identity.sign_in.queries import demanded_of, protected
from academe.identity.sign_in.renewal import opened_by, renewed_token, token_hash
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor, ActorKind, RoleScope, system_actor
from academe.platform.cache import MemoryCache
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.settings import Settings

KEPT_SECONDS: Final = 10.0
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly `last_seen_at` is kept: one write a minute and session, not one a request."""

ScopeSource = Callable[[Session, UUID], Awaitable[Sequence[RoleScope]]]
"""Further scopes of a person that identity does not know, such as the offerings they teach."""


@dataclass(frozen=True, slots=True)
class KnownActor:
    """Who is behind a token; `lacks_factor` when a role needs a second factor that the person does not have yet.

    `renewed` is the token that takes its place, told once, with the seconds that its session has left.
    """

    actor: Actor
    lacks_factor: bool = False
    renewed: tuple[str, float] | None = None


_actors: Final[MemoryCache[bytes, KnownActor]] = MemoryCache(entries=10_000, seconds=KEPT_SECONDS)
_caches: Final[list[MemoryCache[bytes, Any]]] = [_actors]


def forgotten_with_actors(cache: MemoryCache[bytes, Any]) -> None:
    """Let a cache of who somebody is be cleared by `forget_actors` too; called when its file is imported."""
    _caches.append(cache)


def forget_everybody() -> None:
    """Let this process ask the database again about everybody."""
    for cache in _caches:
        cache.clear()


def forget_actors(session: Session) -> None:
    """Let this process ask the database again about everybody, once this transaction is committed."""
    event.listen(session.sync_session, "after_commit", lambda _: forget_everybody(), once=True)


def idle_since(settings: Settings) -> timedelta:
    """The idle time that ends a session."""
    return timedelta(minutes=settings.session_idle_minutes)


async def actor_for(database: Database, token: str, sources: Sequence[ScopeSource]) -> Actor:
    """The actor behind a token, anonymous when its session is unknown, over, or of somebody who may not sign in."""
    return (await known_actor_for(database, token, sources)).actor


async def known_actor_for(database: Database, token: str, sources: Sequence[ScopeSource]) -> KnownActor:
    """`actor_for`, with whether the person still has to set a second factor up."""
    key = token_hash(token)
    renewed = None

    async def load() -> KnownActor:
        nonlocal renewed
        known = await _load(database, key, sources)
        renewed = known.renewed
        return replace(known, renewed=None)

    # A guess must not push somebody's entry out.
    known = await _actors.get_or_load(key, load, keep=lambda each: not each.actor.is_anonymous)
    return replace(known, renewed=renewed) if renewed else known


async def session_is_open(session: Session | ReadSession, session_id: UUID, *, idle: timedelta) -> bool:
    """Whether a browser's session still stands, for connections that outlive a request; asking is not being seen.

    Read on the primary: a replica may not know yet that it has ended.
    """
    found = await session.execute(
        select(AccountSession.id)
        .join(Account, Account.id == AccountSession.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(AccountSession.id == session_id, _stands(clock.now(), idle))
    )
    return found.first() is not None


def _stands(now: datetime, idle: timedelta) -> ColumnElement[bool]:
    return and_(
        AccountSession.revoked_at.is_(None),
        AccountSession.expires_at > now,
        AccountSession.last_seen_at > now - idle,
        Account.is_active,
        Person.status == PersonStatus.ACTIVE,
    )


async def _load(database: Database, key: bytes, sources: Sequence[ScopeSource]) -> KnownActor:
    now = clock.now()
    async with database.transaction(system_actor("read a session")) as session:
        found = await session.execute(
            select(AccountSession, protected(Account.id), Person.id, Person.display_name, has_opened(Person.id))
            .join(Account, Account.id == AccountSession.account_id)
            .join(Person, Person.id == Account.person_id)
            .where(opened_by(key), _stands(now, idle_since(database.settings)))
        )
        row = found.one_or_none()
        if row is None:
            return KnownActor(ANONYMOUS)
        browser, has_factor, person_id, name, has_open = row
        if now - browser.last_seen_at > SEEN_EVERY:
            seen = update(AccountSession).where(AccountSession.id == browser.id).values(last_seen_at=now)
            await session.execute(seen)
        scopes = await _scopes_of(session, person_id, sources)
        has_factor = has_factor or browser.factor_vouched
        lacks = not has_factor and await demanded_of(session, scopes)
        opened = tuple(await records_opened_by(session, person_id)) if has_open else ()
        actor = Actor(ActorKind.PERSON, name, person_id, tuple(scopes), browser.id, opened=opened)
        if browser.masquerades_as is not None:
            actor = await _in_the_name_of(session, actor, browser, sources)
            scopes = [*scopes, *actor.scopes]
        token = await renewed_token(session, browser.id, key, browser.privileges, scopes=scopes, factor=has_factor)
    return KnownActor(actor, lacks, (token, (browser.expires_at - now).total_seconds()) if token else None)


async def _scopes_of(session: Session, person_id: UUID, sources: Sequence[ScopeSource]) -> list[RoleScope]:
    scopes = list(await role_scopes(session, person_id))
    for source in sources:
        scopes.extend(await source(session, person_id))
    return scopes


async def _in_the_name_of(
    session: Session, administrator: Actor, browser: AccountSession, sources: Sequence[ScopeSource]
) -> Actor:
    """The person whom the browser stands in for, as long as all that allowed it still holds; else its administrator."""
    person = await session.get_one(Person, browser.masquerades_as)
    scopes = await _scopes_of(session, person.id, sources)
    holds = (
        browser.masquerade_until is not None
        and browser.masquerade_until > clock.now()
        and person.status is PersonStatus.ACTIVE
        and person.institution_id in administrator.org_unit_ids(Role.ADMINISTRATOR)
        and not any(scope.role == Role.ADMINISTRATOR for scope in scopes)
    )
    if not holds:
        return administrator
    return Actor(
        kind=ActorKind.PERSON,
        label=person.display_name,
        person_id=person.id,
        scopes=tuple(scopes),
        session_id=browser.id,
        masquerader_id=administrator.person_id,
        masquerader=administrator.label,
    )
