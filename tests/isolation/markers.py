"""A word of its own in every text of every row, and what row-level security says about who may read which of them.

The words are planted by the superuser with triggers off, so that append-only tables and vocabularies of nobody are no
exception; a text that a constraint limits to certain words keeps them and is left out. What the database says is asked
of the database itself, as the application's role, for each actor: that is the oracle.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Column, LargeBinary, String, Table, Text, cast, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from academe.platform.database.base import PEOPLE
from academe.platform.database.discovery import import_models

MARKER: Final = re.compile(rb"zq(\d{6})qz")
_FILES: Final = {"content", "source"}
"""Columns of bytes that hold what somebody has written."""

_NEEDED: Final = {"master_key", "password_hash"}
"""Texts without which nothing can be decrypted and nobody signs in."""

_DOCUMENTS: Final = {("xapi_statement", "statement"), ("xapi_set_aside", "statement")}
"""Columns of JSON that may hold anything."""

_STATEMENT: Final = """
    jsonb_build_object('id', gen_random_uuid(),
        'actor', jsonb_build_object('mbox', 'mailto:a@x.example', 'name', %s::text),
        'verb', jsonb_build_object('id', 'https://x.example/verb'),
        'object', jsonb_build_object('id', 'https://x.example/activity'))
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """Where a word stands: the row by its key as text, and the school whose row it is."""

    school: str
    table: str
    column: str
    key: tuple[str, ...]


@dataclass
class Markers:
    """Every word that was planted, by its number."""

    planted: dict[int, Planted] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=lambda: dict(import_models().tables))
    _known: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)

    def plant(self, connection: psycopg.Connection, school: str | None) -> None:
        """Plant a word in each text of the rows that have none; without a school, they are only remembered."""
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET timezone = 'UTC'")
        for table in self.tables.values():
            keys = [column.name for column in table.primary_key.columns]
            names = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in keys)
            rows = connection.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table.name)))
            for key in rows.fetchall():
                if (table.name, key) in self._known:
                    continue
                self._known.add((table.name, key))
                for column in _texts(table) if school else ():
                    self._plant_one(connection, Planted(school or "", table.name, column.name, key), column, keys)
        connection.execute("RESET session_replication_role")

    def word(self, place: Planted) -> str:
        """A new word for a text that the caller writes, such as an encrypted one."""
        number = len(self.planted)
        self.planted[number] = place
        return f"zq{number:06}qz"

    def _plant_one(
        self, connection: psycopg.Connection, place: Planted, column: Column[Any], keys: Sequence[str]
    ) -> None:
        number = len(self.planted)
        word = f"zq{number:06}qz"
        where = sql.SQL(" AND ").join(sql.SQL("{}::text = %s").format(sql.Identifier(name)) for name in keys)
        for value in _values(column):
            statement = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
                sql.Identifier(place.table), sql.Identifier(column.name), sql.SQL(value), where
            )
            try:
                connection.execute(statement, [word] * value.count("%s") + list(place.key))
            except psycopg.errors.IntegrityError:
                continue
            self.planted[number] = place
            return

    def in_bytes(self, content: bytes) -> set[int]:
        """The words in an answer."""
        return {int(found) for found in MARKER.findall(content)} & self.planted.keys()

    async def readable(self, session: AsyncSession) -> set[int]:
        """The words in rows that the policies let the session's actor read; tables without policies are nobody's."""
        rows = {
            (name, tuple(str(part) for part in row))
            for name, table in self.tables.items()
            if table.info.get(PEOPLE)
            for row in await session.execute(select(*(cast(each, Text) for each in table.primary_key.columns)))
        }
        return {
            number
            for number, place in self.planted.items()
            if (place.table, place.key) in rows or not self.is_guarded(number)
        }

    def is_guarded(self, number: int) -> bool:
        """Whether the word stands in a table of people, which has policies."""
        return bool(self.tables[self.planted[number].table].info.get(PEOPLE))

    def places(self, numbers: Iterable[int]) -> list[Planted]:
        """Where words stand, for a report."""
        return [self.planted[number] for number in sorted(numbers)]


def _texts(table: Table) -> list[Column[Any]]:
    return [
        column
        for column in table.columns
        if not (column.name in _NEEDED or column.primary_key or column.foreign_keys or column.computed is not None)
        and (
            type(column.type) in {Text, String}
            or (type(column.type) is LargeBinary and column.name in _FILES)
            or (table.name, column.name) in _DOCUMENTS
        )
    ]


def _values(column: Column[Any]) -> Sequence[str]:
    """What to try, the word at the end, at the beginning or alone."""
    name = f'"{column.name}"'
    if isinstance(column.type, JSONB):
        return (_STATEMENT,)
    if type(column.type) is LargeBinary:
        return ("convert_to('display_name' || chr(10) || %s, 'UTF8')",)
    return (f"coalesce({name} || ' ', '') || %s::text", f"%s::text || coalesce({name}, '')", "%s::text")
