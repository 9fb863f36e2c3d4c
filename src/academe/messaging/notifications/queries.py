"""What was told somebody; nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.messaging.notifications.models import Notification, NotificationPreference
from academe.messaging.types import NotificationKind
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (SortKey("id", Notification.id, descending=True),)
"""The order of lists: ids grow with time."""

_SHOWN: Final = (
    *(Notification.id, Notification.kind, Notification.title, Notification.body, Notification.link),
    *(Notification.created_at, Notification.read_at),
)


@dataclass(frozen=True, slots=True)
class ShownNotification:
    """A notification as its reader sees it."""

    id: UUID
    kind: NotificationKind
    title: str
    body: str
    link: str
    created_at: datetime
    read_at: datetime | None

    @property
    def is_read(self) -> bool:
        """Whether it was read."""
        return self.read_at is not None


def notifications_for(
    readable: ColumnElement[bool], *, kind: NotificationKind | None = None, unread: bool = False
) -> Select[*tuple[Any, ...]]:
    """The notifications in the bell for which `readable` holds, for `shown`."""
    wanted = select(*_SHOWN).where(readable, Notification.in_bell)
    if kind is not None:
        wanted = wanted.where(Notification.kind == kind)
    return wanted.where(Notification.read_at.is_(None)) if unread else wanted


def shown(row: Row[*tuple[Any, ...]]) -> ShownNotification:
    """What a row of `notifications_for` shows."""
    return ShownNotification(*row[: len(_SHOWN)])


async def count_unread(session: AsyncSession, person_id: UUID) -> int:
    """How many notifications a person has not read."""
    wanted = select(func.count()).where(
        Notification.person_id == person_id, Notification.read_at.is_(None), Notification.in_bell
    )
    return (await session.execute(wanted)).scalar_one()


async def bell_preferences(session: AsyncSession, person_id: UUID) -> Mapping[NotificationKind, bool]:
    """Of every kind, whether a person wants it in the bell."""
    wanted = select(NotificationPreference.kind, NotificationPreference.in_bell).where(
        NotificationPreference.person_id == person_id
    )
    chosen = dict(iter(await session.execute(wanted)))
    return {kind: chosen.get(kind, True) for kind in NotificationKind}
