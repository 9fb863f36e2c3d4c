"""`academe benchmark scoring`: features, probabilities and reasons of every enrolment still registered in week 8.

The reference for the features is DuckDB: the same statement over the same rows in Parquet, after a warm-up of each, the
two in turn, medians.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncSession

from academe.insight.features.reading import STATEMENT, read_features
from academe.insight.prediction import RiskPredictor
from academe.insight.registry import shipped_model
from academe.insight.scoring import scores_in
from academe.insight.training import day_of
from benchmarks.framework import Context, Measure, absolute, relative
from benchmarks.oulad_database import ACTOR, offerings_of, oulad_database

WEEK: Final = 8
ROUNDS: Final = 3
TABLES: Final = ("offering", "enrollment", "enrollment_status_change", "learner_day", "assessment", "result")
_RESTRICTED: Final = "(SELECT * FROM restricted_students() AS each(student_id))"


def measure(context: Context) -> Sequence[Measure]:
    """The measures: the whole, and the feature statement beside DuckDB's."""
    return asyncio.run(_measure(context))


async def _measure(context: Context) -> list[Measure]:
    shipped = shipped_model()
    predictor = RiskPredictor.loaded(shipped.artifact, shipped.calibration)
    async with oulad_database(context) as database, database.reading(ACTOR, timeout_seconds=0) as session:
        scope = {offering.id: day_of(offering, WEEK) for offering in await offerings_of(session)}
        text = json.dumps([{"offering_id": str(key), "as_of": day.isoformat()} for key, day in scope.items()])
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as columnar:
            context.say("Writing the same rows to Parquet")
            await _export(session, columnar, Path(folder))
            wholes, features, reference = [], [], []
            rows = pl.DataFrame()
            for round_number in range(ROUNDS + 1):  # the first of each warms up
                context.say(f"Round {round_number} of {ROUNDS}")
                started = time.perf_counter()
                scores = await scores_in(session, predictor, scope)
                scored = time.perf_counter()
                rows = await read_features(session, scope=scope)
                read = time.perf_counter()
                others = columnar.execute(_for_duckdb(text)).fetchnumpy()
                finished = time.perf_counter()
                counts = {scores.height, rows.height, len(others["enrollment_id"])}
                if len(counts) != 1:
                    raise AssertionError(f"not the same number of enrolments everywhere: {sorted(counts)}")
                wholes.append(scored - started)
                features.append(read - scored)
                reference.append(finished - read)
    middle = statistics.median
    return [
        absolute("enrolments scored", rows.height, ""),
        absolute("features, probabilities and reasons", middle(wholes[1:]), "s", "at most", 10),
        relative(
            "feature statement, beside DuckDB over Parquet",
            middle(features[1:]),
            middle(reference[1:]),
            "s",
            "at most",
            5,
        ),
    ]


async def _export(session: AsyncSession, columnar: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(connection, AsyncConnection)
    for table, rows in {**{table: table for table in TABLES}, "restricted": _RESTRICTED}.items():
        file = folder / f"{table}.csv"
        with file.open("wb") as target:
            async with (
                connection.cursor() as cursor,
                cursor.copy(f"COPY {rows} TO STDOUT (FORMAT csv, HEADER)") as copy,
            ):
                async for chunk in copy:
                    target.write(chunk)
        parquet = folder / f"{table}.parquet"
        pl.scan_csv(file, try_parse_dates=True, infer_schema_length=None).sink_parquet(parquet)
        columnar.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{parquet}')")  # noqa: S608 - our own path


def _for_duckdb(scope: str) -> str:
    """The statement in DuckDB's words where they differ: unpacking JSON, and division of whole numbers."""
    return (
        STATEMENT.replace(
            "jsonb_to_recordset(CAST({scope} AS jsonb)) AS c(offering_id uuid, as_of date)",
            "(SELECT unnest(from_json('" + scope + '\', \'[{"offering_id": "VARCHAR", "as_of": "DATE"}]\'),'
            " recursive := true)) AS c",
        )
        .replace("(r.as_of - d.day) / 7", "(r.as_of - d.day) // 7")
        .replace("(SELECT restricted_students())", "(SELECT student_id FROM restricted)")
    )
