"""Which announcements there are, and how many have read one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.messaging.announcements.models import Announcement
from academe.messaging.notifications.models import Notification
from academe.messaging.types import AnnouncementStatus, NotificationKind
from academe.platform.http.pagination import SortKey

NEWEST_FIRST: Final = (SortKey("id", Announcement.id, descending=True),)


@dataclass(frozen=True, slots=True)
class ShownAnnouncement:
    """An announcement in a list."""

    id: UUID
    title: str
    audience_kind: str
    audience_id: UUID
    audience_label: str
    body: str
    send_at: datetime
    status: AnnouncementStatus
    sent_at: datetime | None
    told: int | None
    template_id: UUID | None


def announcements(seen: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The announcements for a condition, for `shown`."""
    return select(
        Announcement.id, Announcement.title, Announcement.audience_kind, Announcement.audience_id,
        Announcement.audience_label, Announcement.body, Announcement.send_at, Announcement.status,
        Announcement.sent_at, Announcement.told, Announcement.template_id,
    ).where(seen)  # fmt: skip


def shown(row: Row[*tuple[Any, ...]]) -> ShownAnnouncement:
    """A row of `announcements`."""
    return ShownAnnouncement(*row[:11])


def dedup_key(announcement_id: UUID) -> str:
    """Under which its audience is told, each person once."""
    return f"announcement:{announcement_id}"


async def count_read(session: AsyncSession, announcement_id: UUID) -> int:
    """How many have read it; asked as the system, and never who."""
    wanted = select(func.count()).where(
        Notification.kind == NotificationKind.ANNOUNCEMENT,
        Notification.dedup_key == dedup_key(announcement_id),
        Notification.read_at.is_not(None),
    )
    return (await session.execute(wanted)).scalar_one()
