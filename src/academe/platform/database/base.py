"""What every table has in common: naming of constraints, keys, time stamps, closed vocabularies."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Dialect, MetaData, Numeric, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from academe.platform.ids import new_id

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

PEOPLE: Final = "people"
"""Key in `Table.info`: True on a table that holds records of people, which then must have row-level security."""


class Base(DeclarativeBase):
    """Base of every table.

    A table whose rows are records of people sets `__table_args__ = (..., {"info": {PEOPLE: True}})`; `academe db
    verify` and the role matrix test then demand row-level security on it.
    """

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        date: Date(),
        UUID: Uuid(),
        Decimal: Numeric(),
        dict[str, Any]: JSONB(),
        list[Any]: JSONB(),
    }


class Identified:
    """A table with the one kind of key: a UUIDv7 made by the application."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-10)


class Timestamped:
    """A mutable table: when a row was made and last changed, kept by the database (trigger `touch_updated_at`)."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=91)


E = TypeVar("E", bound=StrEnum)


class Vocabulary(TypeDecorator[E]):
    """A closed vocabulary: a StrEnum in Python, text in the database. Pair it with `one_of` in the constraints."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - its signature
        """Accept a member or its value; anything else is a ValueError before it reaches the database."""
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:  # noqa: ARG002 - its signature
        """The member for the stored text."""
        return None if value is None else self.enum(value)


def one_of(column: str, members: type[StrEnum] | Sequence[StrEnum]) -> CheckConstraint:
    """The CHECK that keeps `column` inside a vocabulary; the migration writes the same list."""
    values = ", ".join(f"'{member.value}'" for member in members)
    return CheckConstraint(f"{column} IN ({values})", name=f"{column}_known")
