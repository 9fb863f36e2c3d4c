"""What the database refused, said in the terms of the caller.

PostgreSQL names the constraint that refused a row, and the naming convention of the tables makes words of
that name. A constraint with `info={"message": "..."}` in its model says it better. Values of the row are
never repeated.
"""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from sqlalchemy import Constraint
from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from academe.platform.database.base import Base
from academe.platform.errors import (
    AcademeError,
    ConflictError,
    FieldError,
    InvalidInputError,
    PermissionDeniedError,
    ServiceUnavailableError,
)


class _State(StrEnum):
    """SQLSTATEs from the PostgreSQL manual, appendix A."""

    RESTRICTED = "23001"
    NOT_NULL = "23502"
    FOREIGN_KEY = "23503"
    UNIQUE = "23505"
    CHECK = "23514"
    EXCLUSION = "23P01"
    NOT_PERMITTED = "42501"
    DISK_FULL = "53100"
    LOCKED = "55P03"
    CANCELLED = "57014"


# Classes of SQLSTATEs: connection, rollback, out of resources, operator intervened; and bad data.
_TRANSIENT: Final = ("08", "40", "53", "57P")
_DATA: Final = "22"

_NO_ANSWER: Final = "The database does not answer right now; please try again in a moment."
_BUSY: Final[dict[str, str]] = {
    _State.CANCELLED: "The answer took too long to compute; please ask for less or try again later.",
    _State.DISK_FULL: "The disk of the database is full. Nothing was stored; please send it again later.",
    _State.LOCKED: "Somebody else is changing the same records; please try again in a moment.",
}


def explained(error: SQLAlchemyError) -> AcademeError | None:
    """The error that the caller can act on; None when the fault is ours and the caller can do nothing."""
    if isinstance(error, PoolTimeoutError):
        return ServiceUnavailableError("All database connections are in use; please try again in a moment.")
    if not isinstance(error, DBAPIError):
        # A transaction whose connection was lost between two statements.
        return ServiceUnavailableError(_NO_ANSWER) if isinstance(error, PendingRollbackError) else None
    cause = error.orig
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return _without_state(error)
    if state in _BUSY:
        return ServiceUnavailableError(_BUSY[state])
    if state.startswith(_TRANSIENT):
        return ServiceUnavailableError(_NO_ANSWER)
    if state == _State.NOT_PERMITTED:
        return PermissionDeniedError()
    if state.startswith(_DATA):
        return InvalidInputError("A value is not of the kind or size that is stored there.")
    return _integrity(state, cause)


def _without_state(error: DBAPIError) -> AcademeError | None:
    """What failed before the server answered: no connection, or a value that could not be sent."""
    if error.connection_invalidated or type(error).__name__ in {"OperationalError", "InterfaceError"}:
        return ServiceUnavailableError(_NO_ANSWER)
    if type(error).__name__ == "DataError":
        return InvalidInputError("A value holds characters that cannot be stored.")
    return None


def _integrity(state: str, cause: BaseException | None) -> AcademeError | None:
    diagnosis = getattr(cause, "diag", None)
    table = str(getattr(diagnosis, "table_name", None) or "")
    column = str(getattr(diagnosis, "column_name", None) or "")
    constraint = str(getattr(diagnosis, "constraint_name", None) or "")
    message = _message_of(constraint)
    fields = _columns_of(constraint, table) or ((column,) if column else ())
    match state:
        case _State.UNIQUE:
            text = message or f"There is already {_a(table)} with this {_listed(fields)}."
            return ConflictError(text, errors=[FieldError(field, "is already taken") for field in fields])
        case _State.EXCLUSION:
            return ConflictError(message or f"This overlaps with another {_words(table)}.")
        case _State.RESTRICTED:
            return ConflictError(message or f"This {_words(table)} can no longer be changed.")
        case _State.FOREIGN_KEY:
            return _foreign_key(message, fields, table, cause)
        case _State.CHECK:
            text = message or f"A rule of the {_words(table)} does not allow this: {_words(_rule(constraint, table))}."
            return InvalidInputError(text)
        case _State.NOT_NULL:
            return InvalidInputError(message or "A value is missing.", errors=[FieldError(column, "is required")])
        case _:
            return None


def _foreign_key(message: str, fields: tuple[str, ...], table: str, cause: BaseException | None) -> AcademeError:
    """Either the row refers to nothing (bad input), or others still refer to the row (it may not go)."""
    still_used = "still referenced" in str(getattr(getattr(cause, "diag", None), "message_detail", ""))
    if still_used:
        return ConflictError(message or f"It is still used by {_a(table)} and cannot be removed.")
    text = message or f"What {_listed(fields)} refers to does not exist."
    return InvalidInputError(text, errors=[FieldError(field, "does not exist") for field in fields])


@lru_cache(maxsize=1)
def _constraints() -> dict[str, Constraint]:
    """Every constraint of every table by the name the database knows it by."""
    return {
        str(constraint.name): constraint
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name
    }


def _message_of(name: str) -> str:
    constraint = _constraints().get(name)
    return str(constraint.info.get("message", "")) if constraint is not None else ""


def _columns_of(name: str, table: str) -> tuple[str, ...]:
    constraint = _constraints().get(name)
    columns = getattr(constraint, "columns", None)
    if columns is not None:
        return tuple(column.name for column in columns)
    for index in Base.metadata.tables[table].indexes if table in Base.metadata.tables else ():
        if index.name == name:
            return tuple(str(column.name) for column in index.columns)
    return ()


def _rule(constraint: str, table: str) -> str:
    return constraint.removeprefix(f"ck_{table}_")


def _words(name: str) -> str:
    return name.replace("_", " ") or "record"


def _a(table: str) -> str:
    words = _words(table)
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"


def _listed(fields: tuple[str, ...]) -> str:
    names = [_words(field.removesuffix("_id")) for field in fields]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names) or "value"
