"""What was told somebody; nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from academe.messaging.notifications.models import Notification, NotificationPreference, NotificationSchedule
from academe.messaging.types import EMAIL_USUALLY, EmailMode, NotificationKind
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (SortKey("id", Notification.id, descending=True),)
"""The order of lists: ids grow with time."""

_SHOWN: Final = (
    *(Notification.id, Notification.kind, Notification.title, Notification.body, Notification.link),
    *(Notification.created_at, Notification.read_at),
)


_PLACES: Final = "^(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/"
_zones: tuple[str, ...] = ()


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


async def preferences_of(session: AsyncSession, person_id: UUID) -> Mapping[NotificationKind, tuple[bool, EmailMode]]:
    """Of every kind, whether a person wants it in the bell, and how by e-mail."""
    wanted = select(NotificationPreference).where(NotificationPreference.person_id == person_id)
    chosen = {row.kind: row for row in await session.scalars(wanted)}
    return {
        kind: (row.in_bell, row.email or usual) if (row := chosen.get(kind)) else (True, usual)
        for kind, usual in EMAIL_USUALLY.items()
    }


async def schedule_of(session: AsyncSession, person_id: UUID) -> NotificationSchedule:
    """When a person wants letters; what is usual for who has not chosen."""
    found = await session.get(NotificationSchedule, person_id)
    return found or NotificationSchedule(person_id=person_id, time_zone="UTC", digest_at=time(7))


async def time_zones(session: AsyncSession) -> Sequence[str]:
    """The names of time zones that people choose from: those of places, and UTC."""
    global _zones  # noqa: PLW0603 - the database reads a folder of files for each answer
    if not _zones:
        rows = await session.execute(text("SELECT name FROM pg_timezone_names WHERE name ~ :form"), {"form": _PLACES})
        _zones = ("UTC", *sorted(name for (name,) in rows))
    return _zones
