"""How people see and change how long statements are kept: the only way to the rules that takes a person.

Rules are rows of the system alone. Whoever changes one is named in the audit by an entry of their own, and the change
is made by Academe itself right after it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.lrs.privacy import policy, retention
from academe.lrs.privacy.retention import Expired
from academe.lrs.senders.models import Sender
from academe.lrs.senders.policy import MANAGING, institutions_of, require
from academe.lrs.watching.queries import months
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, ReadSession
from academe.platform.errors import FieldError, InvalidInputError

SHOWN_RUNS: Final = 20
LONGEST_KIND: Final = 2_000
"""Characters of a kind, which may be given as an activity type."""
MOST_MONTHS: Final = 1_200

_ACTOR: Final = system_actor("lrs retention")


@dataclass(frozen=True, slots=True)
class Over:
    """What the next night deletes of a month; `bytes_freed` is an estimate where something of the month is left."""

    expired: Expired
    bytes_freed: int


@dataclass(frozen=True, slots=True)
class Run:
    """Something that was deleted: when, and what the audit says of it."""

    at: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class Retention:
    """The rules, what is over by them, and what was deleted lately, the newest first."""

    rules: Mapping[str, int]
    over: Sequence[Over]
    runs: Sequence[Run]
    can_change: bool


async def retention_for(database: Database, actor: Actor) -> Retention:
    """How long statements are kept; raises PermissionDeniedError."""
    require(policy.can_see_retention(actor), actor, policy.ADMINISTRATORS_ONLY)
    async with database.reading(_ACTOR) as session:
        sizes = {each.month: each.all_bytes for each in await months(session)}
        over = [
            Over(each, sizes.get(f"{each.month:%Y-%m}", 0) * sum(each.statements.values()) // max(each.total, 1))
            for each in await retention.preview(session)
        ]
        expired = select(AuditEntry.at, AuditEntry.summary).where(
            AuditEntry.subject_id == retention.RETENTION, AuditEntry.action == "xapi_statement.expired"
        )
        runs = await session.execute(expired.order_by(AuditEntry.at.desc()).limit(SHOWN_RUNS))
        can_change = policy.can_change_retention(actor, await _institutions(session))
        return Retention(await retention.rules(session), over, [Run(*row) for row in runs.all()], can_change)


async def change_rule(database: Database, actor: Actor, *, kind: str, months_kept: int | None) -> str:
    """Keep a kind for whole months, or for ever where None; returns the kind as rules name it.

    Raises PermissionDeniedError and InvalidInputError.
    """
    require(policy.can_see_retention(actor), actor, policy.ADMINISTRATORS_ONLY)
    async with database.reading(_ACTOR) as session:
        institutions = await _institutions(session)
    require(policy.can_change_retention(actor, institutions), actor, policy.RETENTION_OF_OTHERS)
    word = retention.word_of(kind)
    if months_kept is not None and not 1 <= months_kept <= MOST_MONTHS:
        raise InvalidInputError(errors=[FieldError("months", f"must be 1 to {MOST_MONTHS}, or empty for ever")])
    if not actor.is_system:
        async with database.transaction(actor) as session:
            for institution_id in sorted(institutions_of(actor, *MANAGING)):
                record(
                    session,
                    actor=actor,
                    action="xapi_retention.requested",
                    subject=Subject("xapi_retention", retention.RETENTION, institution_id),
                    summary="Change of how long statements are kept requested",
                    changes={"kind": word, "months": months_kept},
                )
    async with database.transaction(_ACTOR) as session:
        return await retention.keep_for(session, actor=_ACTOR, kind=word, months=months_kept)


async def _institutions(session: ReadSession) -> Collection[UUID | None]:
    return (await session.scalars(select(Sender.institution_id).distinct())).all()
