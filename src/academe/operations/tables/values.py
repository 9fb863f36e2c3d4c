"""What people type for a column, as a value of its type, and back."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import Column
from sqlalchemy.types import Enum

from academe.platform.database.base import Vocabulary

_LONGEST: Final = 10_000


def choices(column: Column[Any]) -> Sequence[str]:
    """The values to choose from, of a closed vocabulary; empty for any other column."""
    if isinstance(column.type, Vocabulary):
        return [member.value for member in column.type.enum]
    return list(column.type.enums) if isinstance(column.type, Enum) else ()


def values_of(column: Column[Any]) -> Sequence[str]:
    """The few values that a column can have; empty when they are many."""
    return choices(column) or (("true", "false") if column.type.python_type is bool else ())


def parsed(column: Column[Any], typed: str) -> Any:
    """The value of a text. Raises ValueError with a sentence for whoever typed it."""
    text = typed.strip()
    if not text:
        if not column.nullable:
            raise ValueError("must not be empty")
        return None
    if len(text) > _LONGEST:
        raise ValueError(f"must have at most {_LONGEST} characters")
    allowed = choices(column)
    if allowed and text not in allowed:
        raise ValueError(f"must be one of {', '.join(allowed)}")
    return _of_kind(column.type.python_type, text)


def _of_kind(kind: type, text: str) -> Any:
    if issubclass(kind, bool):
        if text not in {"true", "false"}:
            raise ValueError("must be true or false")
        return text == "true"
    try:
        if issubclass(kind, int | Decimal):
            return kind(text)
        if issubclass(kind, datetime):
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if issubclass(kind, date):
            return date.fromisoformat(text)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"must be {_said(kind)}") from error
    return text


def _said(kind: type) -> str:
    if issubclass(kind, datetime):
        return "a date and time such as 2026-10-06T10:00"
    return "a date such as 2026-10-06" if issubclass(kind, date) else "a number"


def typed(value: object) -> str:
    """The text that `parsed` makes the value of."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)
