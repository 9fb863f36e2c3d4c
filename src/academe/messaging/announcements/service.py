"""Verbs of announcements: plan one, change it, cancel it; and the sending of one whose time has come."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import and_, select

from academe.identity.models import Person
from academe.messaging.announcements.audiences import Audience, source_of
from academe.messaging.announcements.models import Announcement
from academe.messaging.announcements.policy import can_change, seen_by
from academe.messaging.announcements.queries import dedup_key
from academe.messaging.errors import AnnouncementNotFoundError, AnnouncementStateError, AudienceNotFoundError
from academe.messaging.message_templates.kinds import Value
from academe.messaging.message_templates.models import MessageTemplate
from academe.messaging.message_templates.policy import choosable_by
from academe.messaging.message_templates.queries import frames_for
from academe.messaging.message_templates.wording import notify_by_template
from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import AnnouncementStatus, NotificationKind
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, FieldError, InvalidInputError, PermissionDeniedError

ACTOR: Final = system_actor("send announcements")
LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 4000
FURTHEST: Final = timedelta(days=366)
"""How far ahead an announcement may be planned."""


async def plan_announcement(
    session: Session,
    *,
    actor: Actor,
    audience_kind: str,
    audience_id: UUID,
    title: str,
    body: str,
    send_at: datetime | None = None,
    template_id: UUID | None = None,
) -> Announcement:
    """Plan to tell an audience something, now or at `send_at` (aware); its caller asks for the job that sends it.

    Raises AuthenticationRequiredError, AudienceNotFoundError and InvalidInputError.
    """
    if actor.person_id is None:
        raise AuthenticationRequiredError
    audience = await _addressed(session, actor, audience_kind, audience_id)
    announcement = Announcement(author_id=actor.person_id, status=AnnouncementStatus.PLANNED)
    await _frame(session, actor, announcement, audience, template_id)
    _fill(announcement, audience, title, body, send_at)
    session.add(announcement)
    await session.flush()
    _record(session, actor, announcement, "announcement.planned", f"Announcement to {audience.kind} planned")
    return announcement


async def change_announcement(
    session: Session,
    *,
    actor: Actor,
    announcement_id: UUID,
    audience_kind: str,
    audience_id: UUID,
    title: str,
    body: str,
    send_at: datetime | None = None,
    template_id: UUID | None = None,
) -> Announcement:
    """Change what is still planned. Raises what `plan_announcement` does, and as `cancel_announcement`."""
    announcement = await _planned(session, actor, announcement_id)
    if not can_change(actor, announcement):
        raise PermissionDeniedError("Only its author may change an announcement.")
    audience = await _addressed(session, actor, audience_kind, audience_id)
    await _frame(session, actor, announcement, audience, template_id)
    _fill(announcement, audience, title, body, send_at)
    await session.flush()
    _record(session, actor, announcement, "announcement.changed", "Planned announcement changed")
    return announcement


async def cancel_announcement(session: Session, *, actor: Actor, announcement_id: UUID) -> Announcement:
    """Let a planned announcement not be sent: its author, or an administrator of the institution.

    Raises AnnouncementNotFoundError and AnnouncementStateError.
    """
    announcement = await _planned(session, actor, announcement_id)
    announcement.status = AnnouncementStatus.CANCELLED
    await session.flush()
    _record(session, actor, announcement, "announcement.cancelled", "Planned announcement cancelled")
    return announcement


async def announcement_for(session: Session | ReadSession, *, actor: Actor, announcement_id: UUID) -> Announcement:
    """One that the actor may see; raises AnnouncementNotFoundError."""
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    wanted = select(Announcement).where(Announcement.id == announcement_id, seen_by(actor))
    found = (await session.execute(wanted)).scalar_one_or_none()
    if found is None:
        raise AnnouncementNotFoundError
    return found


async def send_announcement(session: Session, *, announcement_id: UUID) -> int | None:
    """Tell the audience as it is now, once, if the time has come; returns how many, None when nothing is to be done.

    For the system. What was cancelled, sent or put off meanwhile is left alone.
    """
    wanted = select(Announcement).where(Announcement.id == announcement_id).with_for_update()
    announcement = (await session.execute(wanted)).scalar_one_or_none()
    if announcement is None or announcement.status is not AnnouncementStatus.PLANNED:
        return None
    if announcement.send_at > clock.now():
        return None
    source = source_of(announcement.audience_kind)
    if source is None:
        raise LookupError(f"no audience of kind {announcement.audience_kind} is registered in this process")
    receivers = (await session.scalars(source.members(announcement.audience_id))).all()
    notice = Notice(
        NotificationKind.ANNOUNCEMENT,
        announcement.title,
        announcement.body,
        dedup_key=dedup_key(announcement.id),
    )
    announcement.told = await _tell(session, announcement, notice, receivers)
    announcement.status, announcement.sent_at = AnnouncementStatus.SENT, clock.now()
    await session.flush()
    _record(session, ACTOR, announcement, "announcement.sent", f"Announcement sent to {announcement.told:,}")
    return announcement.told


def _fill(announcement: Announcement, audience: Audience, title: str, body: str, send_at: datetime | None) -> None:
    now = clock.now()
    faults = []
    title, body = " ".join(title.split()), body.strip()
    if not 1 <= len(title) <= LONGEST_TITLE:
        faults.append(FieldError("title", f"Please write 1 to {LONGEST_TITLE} characters."))
    if not 1 <= len(body) <= LONGEST_BODY:
        faults.append(FieldError("body", f"Please write 1 to {LONGEST_BODY:,} characters."))
    if send_at is not None and send_at > now + FURTHEST:
        faults.append(FieldError("send_at", "Please choose a day within a year."))
    if faults:
        raise InvalidInputError(errors=faults)
    announcement.institution_id = audience.institution_id
    announcement.audience_kind, announcement.audience_id = audience.kind, audience.id
    announcement.audience_label = audience.label
    announcement.title, announcement.body, announcement.send_at = title, body, max(send_at or now, now)


async def _tell(session: Session, announcement: Announcement, notice: Notice, receivers: Sequence[UUID]) -> int:
    """Tell it in its frame; as it was written, where there is none or it is not used any more."""
    frame = await session.get(MessageTemplate, announcement.template_id) if announcement.template_id else None
    if frame is None or not frame.is_active:
        return await notify(session, actor=ACTOR, notice=notice, receivers=receivers)
    author = await session.scalar(select(Person.display_name).where(Person.id == announcement.author_id))
    values: dict[str, Value] = {
        "title": announcement.title,
        "message": announcement.body,
        "author_name": author or "",
        "audience": announcement.audience_label,
        "receivers": len(receivers),
        "sent_on": clock.now().date(),
    }
    return await notify_by_template(
        session, actor=ACTOR, template_id=frame.id, values=values, notice=notice, receivers=receivers
    )


async def _frame(
    session: Session, actor: Actor, announcement: Announcement, audience: Audience, template_id: UUID | None
) -> None:
    """Choose the frame; raises InvalidInputError for one that is not the audience's institution's."""
    if template_id is not None:
        own = (MessageTemplate.id == template_id, MessageTemplate.institution_id == audience.institution_id)
        frames = await frames_for(session, and_(choosable_by(actor), *own))
        if not frames:
            raise InvalidInputError(errors=[FieldError("template_id", "Please choose one that is offered.")])
    announcement.template_id = template_id


async def _addressed(session: Session, actor: Actor, kind: str, audience_id: UUID) -> Audience:
    source = source_of(kind)
    audience = await source.find(session, actor, audience_id) if source else None
    if audience is None:
        raise AudienceNotFoundError
    return audience


async def _planned(session: Session, actor: Actor, announcement_id: UUID) -> Announcement:
    await announcement_for(session, actor=actor, announcement_id=announcement_id)
    wanted = select(Announcement).where(Announcement.id == announcement_id).with_for_update()
    found = (await session.execute(wanted.execution_options(populate_existing=True))).scalar_one()
    if found.status is not AnnouncementStatus.PLANNED:
        raise AnnouncementStateError
    return found


def _record(session: Session, actor: Actor, announcement: Announcement, action: str, summary: str) -> None:
    subject = Subject("announcement", announcement.id, announcement.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary)
