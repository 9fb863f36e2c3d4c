"""Tables made from the models: which columns may be shown, whose rows they are, and the selects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Column, ColumnElement, LargeBinary, Select, Table, Text, cast, false, or_, select
from sqlalchemy.types import TypeDecorator

from academe.platform.database.base import PEOPLE, Vocabulary
from academe.platform.database.discovery import import_models
from academe.platform.http.pagination import SortKey

_SECRETS: Final = frozenset({"password_hash", "token"})
_SORTED: Final = (str, int, float, bool, UUID, date, datetime, Decimal)
_LONGEST_CELL: Final = 80


@dataclass(frozen=True, slots=True)
class BrowsedTable:
    """A table: its columns without secrets, and the condition that keeps its rows within institutions.

    `belongs` is None where row-level security says whose the rows are; a table without either has no rows to show.
    """

    table: Table
    columns: Sequence[Column[Any]]

    @property
    def name(self) -> str:
        """As the database calls it."""
        return self.table.name

    @property
    def is_about_people(self) -> bool:
        """Whether row-level security guards the rows."""
        return bool(self.table.info.get(PEOPLE))

    @property
    def is_shown(self) -> bool:
        """Whether rows can be told apart by institution."""
        return self.is_about_people or _path(self.table) is not None

    @property
    def keys(self) -> Sequence[Column[Any]]:
        """The primary key."""
        return list(self.table.primary_key.columns)

    def sort_keys(self, name: str, *, descending: bool) -> Sequence[SortKey]:
        """An order by a column, or by the key alone; the key comes last, because it is unique."""
        chosen = [column for column in self.sortable if column.name == name and column not in self.keys]
        keys = [key for key in self.keys if _is_sorted(key)]
        return [
            SortKey(column.name, column, descending=descending, nullable=bool(column.nullable))
            for column in (*chosen, *keys)
        ]

    @property
    def sortable(self) -> Sequence[Column[Any]]:
        """The columns that a list can be sorted by."""
        return [column for column in self.columns if _is_sorted(column)]

    def rows(
        self, institutions: Sequence[UUID], search: str = "", where: Mapping[str, str] | None = None
    ) -> Select[*tuple[Any, ...]]:
        """The rows of institutions, whose text or ids are like what was typed, and single columns as `where` says.

        Texts are asked for a part of them; of everything else, the whole value.
        """
        statement = select(*self.columns)
        path = _path(self.table)
        if path is not None:
            statement = statement.where(path.in_(institutions))
        if search:
            statement = statement.where(self._like(search))
        for column in self.sortable:
            if where and column.name in where:
                statement = statement.where(_asked(column, where[column.name].strip()))
        return statement

    def row(self, institutions: Sequence[UUID], key: Sequence[str]) -> Select[*tuple[Any, ...]]:
        """One row by its key, each part as text."""
        pairs = zip(self.keys, key, strict=True)
        return self.rows(institutions).where(*(_equals(column, part) for column, part in pairs))

    def _like(self, search: str) -> ColumnElement[bool]:
        return or_(*(_contains(column, search) for column in self.columns if _is_sorted(column)))


def browsed_tables() -> dict[str, BrowsedTable]:
    """Every table of the product, by name."""
    tables = import_models().tables.values()
    return {
        table.name: BrowsedTable(table, [column for column in table.columns if not _is_secret(column)])
        for table in sorted(tables, key=lambda table: table.name)
    }


def shown(value: object, *, longest: int = _LONGEST_CELL) -> str:
    """A value as a cell; what is long ends early."""
    text = "" if value is None else str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _asked(column: Column[Any], value: str) -> ColumnElement[bool]:
    is_text = not isinstance(column.type, Vocabulary) and column.type.python_type is str
    return _contains(column, value) if is_text else _equals(column, value)


def _contains(column: Column[Any], part: str) -> ColumnElement[bool]:
    literally = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return cast(column, Text).ilike(f"%{literally}%")


def _equals(column: Column[Any], part: str) -> ColumnElement[bool]:
    kind: Any = str if isinstance(column.type, Vocabulary) else column.type.python_type
    if issubclass(kind, date):
        try:
            moment: date = kind.fromisoformat(part)
        except ValueError:
            return false()
        return column == moment
    return cast(column, Text) == part


def _path(table: Table, seen: frozenset[str] = frozenset()) -> ColumnElement[Any] | None:
    """What leads from a row to its institution: a column of the row, or of a row that it refers to."""
    if "institution_id" in table.c:
        own: ColumnElement[Any] = table.c.institution_id
        return own
    for column in table.columns:
        for key in column.foreign_keys:
            other = key.column.table
            if other.name in seen or other is table:
                continue
            further = _path(other, seen | {table.name})
            if further is not None:
                return select(further).where(key.column == column).correlate(table).scalar_subquery()
    return None


def _is_secret(column: Column[Any]) -> bool:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    return isinstance(kind, LargeBinary) or column.name in _SECRETS


def _is_sorted(column: Column[Any]) -> bool:
    if isinstance(column.type, Vocabulary):
        return True
    try:
        kind = column.type.python_type
    except NotImplementedError:
        return False
    return issubclass(kind, _SORTED)
