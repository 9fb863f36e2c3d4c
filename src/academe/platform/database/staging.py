"""COPY into temporary tables of the transaction, from where one set-based statement writes the rows that count.

COPY goes past row-level security and so is not allowed into tables of people's records; a temporary table has none, and
the statement that reads it is under every rule of the table it writes.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from psycopg import AsyncConnection, sql

from academe.platform.database.session import Session
from academe.platform.ids import COUNTER_BITS, reserve

ROWS_AT_ONCE: Final = 20_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a bulk verb did: rows it was given, rows that were new, rows that stood otherwise. The rest stood as is."""

    rows: int
    inserted: int
    updated: int = 0

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(self.rows + other.rows, self.inserted + other.inserted, self.updated + other.updated)


async def stage(session: Session, table: str, columns: Mapping[str, str], rows: pl.DataFrame) -> None:
    """Fill the temporary table `table` of this transaction with the columns of a frame, each of the given SQL type.

    The statistics of the table are made, so that the planner sees what is in it.
    """
    await make_stage(session, table, columns)
    chosen = rows.select(columns.keys())
    pieces = (piece.write_csv(include_header=False).encode() for piece in chosen.iter_slices(ROWS_AT_ONCE))
    connection = await driver(session)
    await _copy(connection, sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(table)), pieces)
    await connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


async def make_stage(session: Session, table: str, columns: Mapping[str, str]) -> None:
    """Make the empty temporary table `table`, in place of one that this transaction made before."""
    definitions = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()]
    connection = await driver(session)
    name = sql.Identifier("pg_temp", table)
    if await (await connection.execute("SELECT to_regclass(%s)", [f"pg_temp.{table}"])).fetchone() != (None,):
        await connection.execute(sql.SQL("DROP TABLE {}").format(name))
    create = sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP")
    await connection.execute(create.format(sql.Identifier(table), sql.SQL(", ").join(definitions)))


async def copy_binary(
    session: Session, table: tuple[str, str], pieces: Iterable[bytes], columns: Sequence[str]
) -> None:
    """Add tuples in PostgreSQL's binary COPY format to a table (schema and name); header and end are added here.

    The pieces are whole tuples, some hundred kilobytes of them, because libpq copies each before it sends it.

    Format: PostgreSQL manual, COPY, section "Binary Format".
    """
    names = sql.SQL(", ").join(sql.Identifier(name) for name in columns)
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(*table), names)
    await _copy(await driver(session), copy, _framed(pieces))


def _framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield b"PGCOPY\n\xff\r\n\x00" + bytes(8)
    yield from pieces
    yield b"\xff\xff"


async def _copy(connection: AsyncConnection[Any], statement: sql.Composed, pieces: Iterable[bytes]) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for piece in pieces:
            await copy.write(piece)


async def driver(session: Session) -> AsyncConnection[Any]:
    """The psycopg connection of the session's transaction."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, AsyncConnection)
    return connection


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with a new key each, in column `id`: used for those that turn out to be new."""
    return rows.with_columns(id=pl.Series(_new_ids(rows.height), dtype=pl.String))


def _new_ids(count: int) -> list[str]:
    """What `new_ids` makes, as hexadecimal digits: a hundred thousand of them in some ten milliseconds."""
    moments = np.arange(count, dtype=np.uint64) + np.uint64(reserve(count))
    ids = np.empty((count, 2), ">u8")
    counters = moments & np.uint64((1 << COUNTER_BITS) - 1)
    ids[:, 0] = moments >> np.uint64(COUNTER_BITS) << np.uint64(16) | np.uint64(0x7000) | counters
    noise = np.frombuffer(os.urandom(8 * count), np.uint64)
    ids[:, 1] = noise & np.uint64((1 << 62) - 1) | np.uint64(1 << 63)
    digits = ids.tobytes().hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]
