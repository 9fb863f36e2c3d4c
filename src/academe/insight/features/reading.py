"""Fetching features: one statement for any number of offerings, each as of its own day."""

import io
import json
from collections.abc import Mapping
from datetime import date
from importlib import resources
from typing import Any, Final, cast
from uuid import UUID

import polars as pl
from psycopg import AsyncConnection, sql
from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.features.catalog import FEATURE_NAMES

KEYS: Final = ("enrollment_id", "student_id", "offering_id", "as_of")

STATEMENT: Final = resources.files(__package__).joinpath("features.sql").read_text()
"""The feature statement; `{scope}` stands for its one parameter."""

_SCHEMA: Final[dict[str, Any]] = {
    **dict.fromkeys(KEYS[:3], pl.String),
    "as_of": pl.Date,
    **dict.fromkeys(FEATURE_NAMES, pl.Float32),
}


async def read_features(session: AsyncSession, *, scope: Mapping[UUID, date]) -> pl.DataFrame:
    """The features of every still-registered enrolment of the offerings, each as of the end of the day given.

    Columns: `enrollment_id`, `student_id`, `offering_id` as text, `as_of`, then `FEATURE_NAMES` as 32-bit floats, empty
    where the catalog says so; rows in no particular order. Only what row-level security shows the session's actor
    counts, so a class is whole only for the system actor.

    Read by COPY: made into Python objects, the numbers of a whole institution would take longer than computing them.
    """
    offerings = [{"offering_id": str(offering), "as_of": day.isoformat()} for offering, day in scope.items()]
    query = feature_query(offerings)
    connection = await session.connection()
    driver = cast("AsyncConnection[Any]", (await connection.get_raw_connection()).driver_connection)
    received = io.BytesIO()
    async with (
        driver.cursor() as cursor,
        cursor.copy(sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(query)) as copy,
    ):
        async for chunk in copy:
            received.write(chunk)
    return pl.read_csv(received.getvalue(), schema_overrides=_SCHEMA).select(*KEYS, *FEATURE_NAMES)


def feature_query(offerings: list[dict[str, str]]) -> sql.Composed:
    """The feature statement for offerings and days; COPY takes no parameters, so the driver quotes the one there is."""
    return sql.SQL(cast("Any", STATEMENT)).format(scope=sql.Literal(json.dumps(offerings)))
