"""The job that sends an announcement when its time has come."""

from uuid import UUID

from pydantic import BaseModel

from academe.messaging.announcements.models import Announcement
from academe.messaging.announcements.service import ACTOR, send_announcement
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.jobs.kinds import JobContext, job
from academe.platform.jobs.service import enqueue


class AnnouncementDue(BaseModel):
    """Which one."""

    announcement_id: UUID


@job("messaging.announcement", title="Send an announcement", attempts=5)
async def send_when_due(context: JobContext, arguments: AnnouncementDue) -> dict[str, str]:
    """Tell the audience; safe to repeat, because the announcement itself says whether it was sent."""
    async with context.database.transaction(ACTOR, timeout_seconds=300) as session:
        told = await send_announcement(session, announcement_id=arguments.announcement_id)
    href = f"/announcements/{arguments.announcement_id}"
    return {"summary": "There was nothing to send." if told is None else f"Told {told:,}.", "href": href}


async def ask_for_sending(session: Session, *, actor: Actor, announcement: Announcement) -> None:
    """Have it sent at its time, on the caller's transaction."""
    await enqueue(
        session,
        actor=actor,
        job=send_when_due,
        arguments=AnnouncementDue(announcement_id=announcement.id),
        title=f"Send “{announcement.title[:80]}”",
        not_before=announcement.send_at,
    )
