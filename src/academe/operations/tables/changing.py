"""Changing rows of the tables that may be edited by hand, as the administrator and under row-level security."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import CheckConstraint, ColumnElement, and_, delete, update
from sqlalchemy.exc import DBAPIError

from academe.operations.errors import EditRefusedError, RowNotFoundError
from academe.operations.tables.lawful import Editable, editable, reason_not
from academe.operations.tables.queries import BrowsedTable
from academe.operations.tables.values import parsed
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError

MOST_ROWS: Final = 200
"""Of one action on several rows: a page of the list."""

_NOT_YOURS: Final = "The database lets you change no such row: its rules ask for a role that you do not hold there."


@dataclass(frozen=True, slots=True)
class Changed:
    """A row before and after; `after` is empty for one that was deleted."""

    key: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def require_editable(browsed: BrowsedTable) -> Editable:
    """What may be edited of a table. Raises EditRefusedError with the reason why nothing may."""
    allowed = editable(browsed.name)
    if allowed is None:
        raise EditRefusedError(reason_not(browsed.name))
    return allowed


def values_for(browsed: BrowsedTable, typed: Mapping[str, str]) -> dict[str, Any]:
    """The values of what was typed, by column. Raises InvalidInputError that names each field at fault."""
    allowed, values, errors = require_editable(browsed), {}, []
    for name, text in typed.items():
        if name not in allowed.columns:
            errors.append(FieldError(name, "is not a column that may be edited"))
            continue
        try:
            values[name] = parsed(browsed.table.c[name], text)
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise InvalidInputError("The row was not changed.", errors=errors)
    return values


async def change_rows(
    session: Session,
    *,
    actor: Actor,
    browsed: BrowsedTable,
    institutions: Sequence[UUID],
    keys: Sequence[tuple[str, ...]],
    values: Mapping[str, Any],
) -> Sequence[Changed]:
    """Set columns of rows; all of them or none. Rows that have the values already are left alone.

    Raises EditRefusedError for a table that is not edited by hand, RowNotFoundError when one of the rows is not there,
    PermissionDeniedError when the database refuses, InvalidInputError when a rule of the table does.
    """
    require_editable(browsed)
    before = await _rows(session, browsed, institutions, keys)
    changed = []
    for key, row in before.items():
        after = {name: value for name, value in values.items() if row[name] != value}
        if after:
            await _execute(session, browsed, update(browsed.table).where(_is(browsed, row)).values(after))
            changed.append(Changed(key, {name: row[name] for name in after}, after))
            pairs = {name: [row[name], value] for name, value in after.items()}
            summary = f"Changed {', '.join(after)} of {browsed.name.replace('_', ' ')} in the tables"
            _record(session, actor, browsed, institutions, row, "table.row_changed", summary, pairs)
    return changed


async def delete_rows(
    session: Session,
    *,
    actor: Actor,
    browsed: BrowsedTable,
    institutions: Sequence[UUID],
    keys: Sequence[tuple[str, ...]],
) -> Sequence[Changed]:
    """Delete rows; all of them or none. Raises as `change_rows`, EditRefusedError where nothing may be deleted."""
    if not require_editable(browsed).may_delete:
        raise EditRefusedError("Rows of this table stay: other records may lead to them.")
    before = await _rows(session, browsed, institutions, keys)
    for row in before.values():
        await _execute(session, browsed, delete(browsed.table).where(_is(browsed, row)))
        kept = {column.name: [row[column.name], None] for column in browsed.columns if column.name in row}
        summary = f"Deleted a row of {browsed.name.replace('_', ' ')} in the tables"
        _record(session, actor, browsed, institutions, row, "table.row_deleted", summary, kept)
    return [Changed(key, row, {}) for key, row in before.items()]


async def _rows(
    session: Session, browsed: BrowsedTable, institutions: Sequence[UUID], keys: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """The rows as they are, by their keys in one order for everybody, so that nobody waits for another in a circle."""
    found = {}
    for key in sorted(set(keys)):
        if len(key) != len(browsed.keys):
            raise RowNotFoundError
        row = (await session.execute(browsed.row(institutions, key))).mappings().one_or_none()
        if row is None:
            raise RowNotFoundError
        found[key] = dict(row)
    return found


def _is(browsed: BrowsedTable, row: Mapping[str, Any]) -> ColumnElement[bool]:
    """The condition that finds the row as it was read: nobody writes over what another has changed meanwhile."""
    edited = require_editable(browsed).columns
    return and_(
        *(column == row[column.name] for column in browsed.keys),
        *(browsed.table.c[name].is_not_distinct_from(row[name]) for name in edited),
    )


async def _execute(session: Session, browsed: BrowsedTable, statement: Any) -> None:
    try:
        async with session.begin_nested():
            result: Any = await session.execute(statement)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise PermissionDeniedError(_NOT_YOURS) from error
        if isinstance(error.orig, psycopg.errors.IntegrityError | psycopg.errors.DataError):
            raise _broken(browsed, error.orig) from error
        raise
    if result.rowcount != 1:
        raise PermissionDeniedError(f"{_NOT_YOURS} Or somebody has changed it meanwhile: look at it again.")


def _broken(browsed: BrowsedTable, error: psycopg.Error) -> InvalidInputError:
    """Which rule of the table a value breaks, at the columns that the rule is about."""
    name = error.diag.constraint_name or ""
    rule = name.removeprefix(f"ck_{browsed.name}_").removeprefix(f"uq_{browsed.name}_").replace("_", " ")
    message = f"breaks the rule of the table “{rule}”" if rule else "is not a value that the database takes"
    if isinstance(error, psycopg.errors.UniqueViolation):
        message = "is taken already by another row"
    columns = [each for each in require_editable(browsed).columns if each in _said_by(browsed, name)]
    return InvalidInputError("The row was not changed.", errors=[FieldError(each, message) for each in columns or [""]])


def _said_by(browsed: BrowsedTable, name: str) -> str:
    """The words in which a constraint or a unique index speaks of columns."""
    for constraint in browsed.table.constraints:
        if constraint.name == name and isinstance(constraint, CheckConstraint):
            return str(constraint.sqltext)
    return name


def _record(
    session: Session,
    actor: Actor,
    browsed: BrowsedTable,
    institutions: Sequence[UUID],
    row: Mapping[str, Any],
    action: str,
    summary: str,
    changes: Mapping[str, object],
) -> None:
    key = row[browsed.keys[0].name]
    institution_id = row.get("institution_id") or institutions[0]
    person_id = key if browsed.name == "person" else row.get("person_id")
    subject_id = key if isinstance(key, UUID) else institution_id
    subject = Subject(browsed.name, subject_id, institution_id, person_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes)
