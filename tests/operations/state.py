"""What the tables hold, in a form that can be compared."""

from typing import Final

from sqlalchemy import text

from academe.platform.actor import system_actor
from academe.platform.database.session import Database

TABLES: Final = (
    "org_unit",
    "person",
    "unit",
    "term",
    "offering",
    "offering_resource",
    "assessment",
    "student_record",
    "student_protected_attributes",
    "enrollment",
    "enrollment_status_change",
    "result",
    "activity_day",
)

_STATE: Final = text(
    " UNION ALL ".join(
        f"SELECT '{table}' AS name, count(*) AS rows, md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), ''))"
        f" AS content FROM {table} t"
        for table in TABLES
    )
)


async def contents(database: Database) -> dict[str, tuple[int, str]]:
    """Rows and a digest of everything in each table, time stamps included."""
    async with database.reading(system_actor("test")) as session:
        return {row.name: (row.rows, row.content) for row in await session.execute(_STATE)}


async def counts(database: Database) -> dict[str, int]:
    """Rows of each table."""
    return {name: rows for name, (rows, _) in (await contents(database)).items()}
