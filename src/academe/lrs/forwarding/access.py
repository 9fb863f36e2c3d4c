"""The only ways of a person to a forward: each takes the actor. What the actor may not know of is not found.

What a forward has yet to send is counted as the system, after the policy was asked: statements are closed to everybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select

from academe.lrs.forwarding import policy, queries
from academe.lrs.forwarding.errors import ForwardNotFoundError
from academe.lrs.forwarding.models import XapiForward
from academe.lrs.forwarding.queries import Behind, Forward, Rates
from academe.lrs.privacy.retention import rules
from academe.lrs.senders.models import Sender
from academe.lrs.senders.policy import require
from academe.lrs.senders.types import Sender as KnownSender
from academe.lrs.watching.queries import senders_of
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.database.partitions import later
from academe.platform.database.session import Database, ReadSession, Session

_ACTOR: Final = system_actor("watch forwards")


@dataclass(frozen=True, slots=True)
class ShownForward:
    """A forward with what it has yet to do and what it did lately.

    `expires_on` is the day on which statements that it has not looked at begin to expire here, where that is this month
    or the next one.
    """

    forward: Forward
    behind: Behind
    rates: Rates
    now: datetime
    expires_on: date | None = None

    @classmethod
    def new(cls, forward: Forward) -> "ShownForward":
        """A forward that nobody has seen yet, so that nothing was done."""
        return cls(forward, Behind(), Rates(), clock.now())


@dataclass(frozen=True, slots=True)
class OneForward:
    """A forward with all that is known of it; `agents` is empty for whoever may not see what it carries."""

    shown: ShownForward
    minutes: Sequence[tuple[datetime, int, int]]
    senders: Sequence[str]
    agents: Sequence[str]


def forwards_for(actor: Actor) -> Select[*tuple[Any, ...]]:
    """The forwards that the actor may see; raises PermissionDeniedError for those who may see none."""
    require(policy.can_see_forwards(actor), actor, policy.RUNNERS_ONLY)
    return queries.forwards(policy.forwards_visible_to(actor))


async def forward_for(session: Session | ReadSession, *, actor: Actor, forward_id: UUID) -> Forward:
    """One forward that the actor may see; raises ForwardNotFoundError and PermissionDeniedError."""
    row = (await session.execute(forwards_for(actor).where(XapiForward.id == forward_id))).one_or_none()
    if row is None:
        raise ForwardNotFoundError
    return queries.forward_of(row)


async def shown_for(database: Database, forwards: Sequence[Forward]) -> list[ShownForward]:
    """How forwards do that somebody may see."""
    now, ids = clock.now(), [each.id for each in forwards]
    async with database.reading(_ACTOR) as session:
        behind = await queries.behind_of(session, ids)
        rates = await queries.rates_of(session, ids, now)
        kept = await rules(session)
    return [
        ShownForward(
            each,
            behind.get(each.id, Behind()),
            rates.get(each.id, Rates()),
            now,
            _expires_on(behind.get(each.id, Behind()), min(kept.values(), default=None), now),
        )
        for each in forwards
    ]


async def one_for(database: Database, *, actor: Actor, forward: Forward) -> OneForward:
    """All that is known of a forward that the actor may see."""
    (shown,) = await shown_for(database, [forward])
    chosen = set(forward.filter.senders)
    async with database.reading(_ACTOR) as session:
        minutes = await queries.minutes_of(session, forward.id, shown.now)
    async with database.reading(actor) as own:
        senders = [each.name for each in await senders_of(own, Sender.id.in_(chosen))] if chosen else []
    return OneForward(shown, minutes, senders, await agents_for(database, actor=actor, forward=forward))


async def agents_for(database: Database, *, actor: Actor, forward: Forward) -> Sequence[str]:
    """The agents that a forward is narrowed to, for whoever may see what it carries."""
    if not forward.filter.agents or not policy.can_manage(actor, forward.institution_id):
        return []
    async with database.reading(_ACTOR) as session:
        return await queries.agents_named(session, forward.filter.agents, forward.institution_id)


async def choices_for(database: Database, *, actor: Actor, institution_id: UUID | None) -> Sequence[KnownSender]:
    """The senders of an institution, to choose from, as far as the actor sees them."""
    async with database.reading(actor) as session:
        return await senders_of(session, Sender.institution_id == institution_id)


def _expires_on(behind: Behind, months: int | None, now: datetime) -> date | None:
    """The first of a month on which the shortest rule lets go what waits; None when that is more than a month away."""
    if behind.since is None or months is None:
        return None
    over = later(behind.since.date().replace(day=1), months + 1)
    return over if over <= later(now.date().replace(day=1), 1) else None
