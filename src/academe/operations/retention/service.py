"""Rules of retention, what would go, and letting it go. Verbs flush, record, and never commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert

from academe.identity.api import can_manage_accounts, held_people, institutions, require
from academe.operations.retention.classes import CLASSES
from academe.operations.retention.models import RetentionRule
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.retention import RecordClass, count_over, let_go

LONGEST_DAYS: Final = 36_500
ADMINISTRATORS_ONLY: Final = "How long records are kept is said by the administrators of the institution."
_ACTOR: Final = system_actor("retention")
_BY_KEY: Final[Mapping[str, RecordClass]] = {each.key: each for each in CLASSES}


@dataclass(frozen=True, slots=True)
class KeptClass:
    """A class with its rule, if there is one, and how many rows would go now."""

    records: RecordClass
    days: int | None
    over: int


async def kept_classes(session: Session | ReadSession, institution_id: UUID) -> Sequence[KeptClass]:
    """Every class with its rule and what would go by it now, whoever the actor is: ask as Academe itself."""
    rules = await rules_of(session, institution_id)
    found = []
    for records in CLASSES:
        days = rules.get(records.key)
        before = clock.now() - timedelta(days=days or 0)
        over = (
            await count_over(session, records, institution_id=institution_id, before=before, held=held_people())
            if days
            else 0
        )
        found.append(KeptClass(records, days, over))
    return found


async def rules_of(session: Session | ReadSession, institution_id: UUID) -> Mapping[str, int]:
    """The days that each class with a rule is kept."""
    rules = await session.scalars(select(RetentionRule).where(RetentionRule.institution_id == institution_id))
    return {rule.record_class: rule.days for rule in rules}


async def keep_class(
    session: Session, *, actor: Actor, institution_id: UUID, record_class: str, days: int | None
) -> None:
    """Keep a class of records for some days, or for good where None; the coming night goes by it.

    Raises PermissionDeniedError, and InvalidInputError for a class that there is not (`record_class`) and for fewer
    days than the class needs or more than 36,500 (`days`).
    """
    require(can_manage_accounts(actor, institution_id), actor, ADMINISTRATORS_ONLY)
    records = _BY_KEY.get(record_class)
    if records is None:
        raise InvalidInputError(errors=[FieldError("record_class", "There is no such class of records.")])
    if days is not None and not records.shortest_days <= days <= LONGEST_DAYS:
        message = f"Please give {records.shortest_days:,} to {LONGEST_DAYS:,} days."
        raise InvalidInputError(errors=[FieldError("days", message)])
    before = (await rules_of(session, institution_id)).get(record_class)
    if days is None:
        mine = (RetentionRule.institution_id == institution_id, RetentionRule.record_class == record_class)
        await session.execute(delete(RetentionRule).where(*mine))
    else:
        rule = insert(RetentionRule).values(institution_id=institution_id, record_class=record_class, days=days)
        key = ["institution_id", "record_class"]
        await session.execute(rule.on_conflict_do_update(index_elements=key, set_={"days": days}))
    record(
        session,
        actor=actor,
        action="retention_rule.changed",
        subject=Subject("retention_rule", institution_id, institution_id),
        summary=f"{records.title}: kept {'for good' if days is None else f'{days:,} days'}",
        changes={"record_class": record_class, "days": [before, days]},
    )


async def let_go_by_schedule(database: Database) -> None:
    """Let go what is over by every institution's rules, each class in a transaction of its own."""
    async with database.transaction(_ACTOR) as session:
        rules = (await session.scalars(_every_rule())).all()
    for rule in rules:
        async with database.transaction(_ACTOR, timeout_seconds=0) as session:
            await let_class_go(session, rule)


async def let_class_go(session: Session, rule: RetentionRule) -> int:
    """Let go what is over by one rule; returns how many rows. Needs the system as actor."""
    records = _BY_KEY.get(rule.record_class)
    if records is None:  # a rule of another release
        return 0
    before = clock.now() - timedelta(days=rule.days)
    gone = await let_go(session, records, institution_id=rule.institution_id, before=before, held=held_people())
    if gone:
        done = "emptied" if records.blank else "deleted"
        record(
            session,
            actor=_ACTOR,
            action="retention_rule.applied",
            subject=Subject("retention_rule", rule.institution_id, rule.institution_id),
            summary=f"{records.title}: {gone:,} {done}, older than {rule.days:,} days",
            changes={"record_class": records.key, "days": rule.days, "rows": gone},
        )
    return gone


def _every_rule() -> Select[RetentionRule]:
    there = select(institutions().subquery().c.id)
    return (
        select(RetentionRule)
        .where(RetentionRule.institution_id.in_(there))
        .order_by(RetentionRule.institution_id, RetentionRule.record_class)
    )
