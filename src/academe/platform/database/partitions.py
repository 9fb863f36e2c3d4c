"""Tables partitioned by month: the database, not the application, makes their partitions, ahead of time.

A table is such a table when it is partitioned by range over one date or timestamp. The application role has
no rights on partitions and none to create tables: it asks the function `ensure_month_partitions`, which runs
as the owner.
"""

from datetime import date
from typing import Final

from sqlalchemy import text

from academe.platform import clock
from academe.platform.database.session import Session

MONTHS_AHEAD: Final = 3

_ENSURE: Final = text("SELECT ensure_month_partitions(CAST(:table AS regclass), :first, :last)")

_TABLES: Final = text(
    "SELECT relname FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid"
    " WHERE relnamespace = 'public'::regnamespace AND partstrat = 'r' ORDER BY relname"
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


def later(month: date, months: int) -> date:
    """The first day of the month that is `months` after the given one."""
    years, index = divmod(month.month - 1 + months, 12)
    return date(month.year + years, index + 1, 1)
