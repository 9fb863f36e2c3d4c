"""How long records are kept: what a class of records is, and letting go what is over.

A module declares the classes of its tables; `operations` knows all of them, keeps the rules of institutions and lets
go what is over. Nothing of a person under legal hold goes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select, update

from academe.platform.database.base import Base
from academe.platform.database.session import ReadSession, Session

Over = Callable[[UUID, datetime], ColumnElement[bool]]
"""The rows of an institution whose time ended before a moment."""


@dataclass(frozen=True, slots=True)
class RecordClass:
    """Records of one kind that a rule lets go, or with `blank` only empties of what is personal.

    `what` says to administrators what the records are and from when they count. `of_person` is whose a row is, as a
    column or a subquery of the row; a rule shorter than `shortest_days` would break something or somebody's right.
    """

    key: str
    title: str
    what: str
    table: type[Base]
    over: Over
    of_person: ColumnElement[UUID]
    shortest_days: int = 1
    blank: Mapping[str, object] = field(default_factory=dict)

    def gone(self, institution_id: UUID, before: datetime, held: Select[UUID]) -> ColumnElement[bool]:
        """The rows that go: over, and of nobody whom `held` finds."""
        return self.over(institution_id, before) & self.of_person.not_in(held)


async def count_over(
    session: Session | ReadSession, records: RecordClass, *, institution_id: UUID, before: datetime, held: Select[UUID]
) -> int:
    """How many rows would go."""
    gone = records.gone(institution_id, before, held)
    return (await session.scalar(select(func.count()).select_from(records.table).where(gone))) or 0


async def let_go(
    session: Session, records: RecordClass, *, institution_id: UUID, before: datetime, held: Select[UUID]
) -> int:
    """Delete the rows that are over, or empty them; returns how many. Needs the system as actor."""
    gone = records.gone(institution_id, before, held)
    change = update(records.table).values(records.blank) if records.blank else delete(records.table)
    done: Any = await session.execute(change.where(gone).execution_options(synchronize_session=False))
    return cast("int", done.rowcount)
