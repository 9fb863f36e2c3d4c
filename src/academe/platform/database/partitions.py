"""Tables partitioned by month: the database, not the application, makes their partitions, ahead of time.

A table is such a table when it is partitioned by range over one date or timestamp. The application role has
no rights on partitions and none to create tables: it asks the function `ensure_month_partitions`, which runs
as the owner.
"""

from datetime import date
from typing import Final

from sqlalchemy import Row, text

from academe.platform import clock
from academe.platform.database.session import ReadSession, Session

MONTHS_AHEAD: Final = 3

_ENSURE: Final = text("SELECT ensure_month_partitions(CAST(:table AS regclass), :first, :last)")

_TABLES: Final = text(
    "SELECT relname FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid"
    " WHERE relnamespace = 'public'::regnamespace AND partstrat = 'r' ORDER BY relname"
)

# The name carries the month, so that it need not be read out of the expression of the bounds.
_LAST_MONTHS: Final = text(
    "SELECT parent.relname AS name, max(right(child.relname, 7)) AS month"
    " FROM pg_partitioned_table JOIN pg_class parent ON parent.oid = partrelid"
    " LEFT JOIN pg_inherits ON inhparent = parent.oid LEFT JOIN pg_class child ON child.oid = inhrelid"
    " WHERE parent.relnamespace = 'public'::regnamespace AND partstrat = 'r'"
    " GROUP BY parent.relname ORDER BY 1"
)


async def ensure_months(session: Session, table: str, first: date, last: date) -> int:
    """Make the missing partitions of `table` for the months from `first` to `last`; returns how many.

    At most 600 months at once; a table that is not partitioned by month is refused by the database.
    """
    made: int = (await session.execute(_ENSURE, {"table": table, "first": first, "last": last})).scalar_one()
    return made


async def ensure_ahead(session: Session, *, months: int = MONTHS_AHEAD) -> int:
    """Make the partitions of every monthly table from this month to `months` later; returns how many."""
    first = clock.now().date().replace(day=1)
    last = later(first, months)
    tables = (await session.execute(_TABLES)).scalars().all()
    return sum([await ensure_months(session, table, first, last) for table in tables])


async def last_months(session: Session | ReadSession) -> dict[str, date | None]:
    """The last month that has a partition, for every monthly table; None where there is no partition."""

    def month(row: Row[tuple[str, str | None]]) -> date | None:
        return None if row.month is None else date(int(row.month[0:4]), int(row.month[5:7]), 1)

    return {row.name: month(row) for row in await session.execute(_LAST_MONTHS)}


def later(month: date, months: int) -> date:
    """The first day of the month that is `months` after the given one."""
    years, index = divmod(month.month - 1 + months, 12)
    return date(month.year + years, index + 1, 1)
