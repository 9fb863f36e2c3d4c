"""What was set aside."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select

from academe.lrs.spool.errors import SetAsideNotFoundError
from academe.lrs.spool.models import XapiSetAside
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

BY_RECEIPT: Final = (SortKey("received_at", XapiSetAside.received_at), SortKey("id", XapiSetAside.id))
"""The order of lists: what came first stands first."""

_SHOWN: Final = (
    *(XapiSetAside.id, XapiSetAside.institution_id, XapiSetAside.sender_id, XapiSetAside.statement_id),
    *(XapiSetAside.received_at, XapiSetAside.set_aside_at, XapiSetAside.statement),
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A statement that was acknowledged, and whose id belongs to another one."""

    id: UUID
    institution_id: UUID | None
    sender_id: UUID
    statement_id: UUID
    received_at: datetime
    set_aside_at: datetime
    statement: dict[str, Any]


def set_aside(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """What was set aside and fulfils a condition."""
    return select(*_SHOWN).where(condition)


def shown(row: Row[*tuple[Any, ...]]) -> SetAside:
    """A row of `set_aside`."""
    return SetAside(*row[: len(_SHOWN)])


async def one_of(session: Session | ReadSession, condition: ColumnElement[bool], id_: UUID) -> SetAside:
    """One that fulfils a condition; raises SetAsideNotFoundError."""
    row = (await session.execute(set_aside(condition).where(XapiSetAside.id == id_))).one_or_none()
    if row is None:
        raise SetAsideNotFoundError
    return shown(row)


async def count_in(session: ReadSession, institutions: Collection[UUID], *, everywhere: bool) -> int:
    """How many were set aside for senders of some institutions, or of all; a figure, which says nothing of people."""
    wanted = select(func.count()).select_from(XapiSetAside)
    if not everywhere:
        wanted = wanted.where(XapiSetAside.institution_id.in_(institutions))
    return (await session.execute(wanted)).scalar_one()
