"""How long statements are kept: rules for what was done, and the expiry of whole months by them.

Without a rule nothing expires, and no statement about somebody under legal hold does. What the rollup has counted stays
counted; one that is rebuilt counts what is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from academe.lrs.keys import key_uuid
from academe.lrs.privacy.models import XapiRetentionRule
from academe.lrs.statements.incoming import kind_of
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.partitions import later
from academe.platform.database.session import Database, ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError

OTHERS: Final = "*"
"""The kind of the rule for all kinds that have none of their own."""

RETENTION: Final = key_uuid("xapi_retention")
"""What all entries of the audit about retention are about, by which they are found."""

_ACTOR: Final = system_actor("lrs retention")

# The months are asked one by one, so that only partitions before the first one that is kept are read.
_FIRST: Final = text("SELECT (date_trunc('month', min(stored) AT TIME ZONE 'UTC'))::date FROM xapi_statement")
_KINDS: Final = text(
    "SELECT kind, count(*),"
    " count(*) FILTER (WHERE stored NOT IN (SELECT xapi_held_statements(month.first, month.next)))"
    " FROM (SELECT CAST(:first AS date)::timestamp AT TIME ZONE 'UTC' AS first,"
    " CAST(:next AS date)::timestamp AT TIME ZONE 'UTC' AS next) month"
    " JOIN xapi_statement ON stored >= month.first AND stored < month.next GROUP BY kind ORDER BY kind"
)
_EXPIRE: Final = text("SELECT expire_xapi_statements(:month, :kinds)")


@dataclass(frozen=True, slots=True)
class Expired:
    """What goes of a month, by kind; `whole` when nothing of the month is left. The month has `total` statements."""

    month: date
    statements: Mapping[str, int]
    whole: bool
    total: int = field(default=0, compare=False)


async def rules(session: Session | ReadSession) -> dict[str, int]:
    """The months that each kind is kept."""
    return {rule.kind: rule.months for rule in await session.scalars(select(XapiRetentionRule))}


async def keep_for(session: Session, *, actor: Actor, kind: str, months: int | None) -> str:
    """Keep a kind of statements for some months, or for ever where None; returns the kind.

    `kind` is a word of the rollup, an activity type whose word it then is, or `*`. Raises InvalidInputError.
    """
    _require_system(actor)
    word = word_of(kind)
    if months is None:
        await session.execute(delete(XapiRetentionRule).where(XapiRetentionRule.kind == word))
    elif months < 1:
        raise InvalidInputError(errors=[FieldError("months", "must be 1 or more")])
    else:
        rule = insert(XapiRetentionRule).values(kind=word, months=months)
        await session.execute(rule.on_conflict_do_update(index_elements=["kind"], set_={"months": months}))
    kept = "for ever" if months is None else f"for {months} months"
    record(
        session,
        actor=actor,
        action="xapi_retention.changed",
        subject=Subject("xapi_retention", RETENTION),
        summary=f"Statements of kind {word} are kept {kept}",
        changes={"kind": word, "months": months},
    )
    return word


async def preview(session: Session | ReadSession) -> Sequence[Expired]:
    """What would go now, month by month."""
    kept = await rules(session)
    if not kept:
        return []
    this_month = clock.now().date().replace(day=1)
    month: date | None = (await session.execute(_FIRST)).scalar_one()
    found = []
    while month is not None and month < later(this_month, -min(kept.values())):
        there = (await session.execute(_KINDS, {"first": month, "next": later(month, 1)})).all()
        gone = {kind: free for kind, _, free in there if free and _is_over(kept, kind, month, this_month)}
        total = sum(count for _, count, _ in there)
        if gone:
            found.append(Expired(month, gone, sum(gone.values()) == total, total))
        month = later(month, 1)
    return found


async def expire(database: Database) -> Sequence[Expired]:
    """Let go what is over, each month in a transaction of its own; returns what went."""
    async with database.transaction(_ACTOR, timeout_seconds=0) as session:
        planned = await preview(session)
    for each in planned:
        async with database.transaction(_ACTOR, timeout_seconds=0) as session:
            values = {"month": each.month, "kinds": sorted(each.statements)}
            gone: int = (await session.execute(_EXPIRE, values)).scalar_one()
            record(
                session,
                actor=_ACTOR,
                action="xapi_statement.expired",
                subject=Subject("xapi_retention", RETENTION),
                summary=f"{gone:,} statements of {each.month:%Y-%m} expired",
                changes={"month": each.month, "kinds": dict(each.statements), "whole_month": each.whole},
            )
    return planned


async def expire_by_schedule(database: Database) -> None:
    """`expire`, for the worker's schedule."""
    await expire(database)


def _is_over(kept: Mapping[str, int], kind: str, month: date, this_month: date) -> bool:
    months = kept.get(kind, kept.get(OTHERS))
    return months is not None and later(month, 1) <= later(this_month, -months)


def word_of(kind: str) -> str:
    """The kind that a rule is for: a word of the rollup, or that of an activity type; raises InvalidInputError."""
    text_ = kind.strip()
    if not text_:
        raise InvalidInputError(errors=[FieldError("kind", "must be a kind, an activity type or *")])
    return kind_of({"object": {"definition": {"type": text_}}}, "") if ":" in text_ else text_.lower()


def _require_system(actor: Actor) -> None:
    if not actor.is_system:
        raise PermissionDeniedError("Only Academe itself writes rules of retention; ask it on the page or by command.")
