"""JSON of notifications: everybody has only their own."""

from datetime import time
from typing import Annotated
from uuid import UUID

from fastapi import Body, Query

from academe.messaging.notifications.policy import readable_by
from academe.messaging.notifications.queries import (
    NEWEST_FIRST,
    count_unread,
    notifications_for,
    preferences_of,
    schedule_of,
    shown,
)
from academe.messaging.notifications.schemas import (
    MarkedOut,
    NotificationOut,
    PreferenceIn,
    PreferenceOut,
    ScheduleBody,
    UnreadOut,
)
from academe.messaging.notifications.service import Preference, mark_all_read, mark_read, set_preferences, set_schedule
from academe.messaging.types import ESSENTIAL, NotificationKind
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/notifications", tag="notifications")


@router.get("")
async def list_notifications(
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    kind: NotificationKind | None = None,
    unread: Annotated[bool, Query(description="Only those that were not read.")] = False,
) -> Page[NotificationOut]:
    """What the caller was told, newest first."""
    wanted = notifications_for(readable_by(actor), kind=kind, unread=unread)
    return await fetch_page(
        session,
        wanted,
        NEWEST_FIRST,
        paging,
        lambda row: NotificationOut.model_validate(shown(row), from_attributes=True),
    )


@router.get("/unread")
async def show_unread(actor: SignedIn, session: ReadOnlySession) -> UnreadOut:
    """How many the caller has not read."""
    return UnreadOut(unread=await count_unread(session, _person(actor)))


@router.post("/read")
async def read_all(actor: SignedIn, session: WriteSession, kind: NotificationKind | None = None) -> MarkedOut:
    """Mark everything as read, or everything of a kind."""
    return MarkedOut(marked=await mark_all_read(session, actor=actor, kind=kind))


@router.get("/preferences")
async def show_preferences(actor: SignedIn, session: ReadOnlySession) -> list[PreferenceOut]:
    """Where the caller is told what."""
    return await _preferences(actor, session)


@router.put("/preferences")
async def change_preferences(
    body: Annotated[list[PreferenceIn], Body(max_length=len(NotificationKind))], actor: SignedIn, session: WriteSession
) -> list[PreferenceOut]:
    """Choose where one is told; kinds that are left out stay as they are."""
    wanted = {each.kind: Preference(each.in_bell, each.email) for each in body}
    await set_preferences(session, actor=actor, wanted=wanted)
    return await _preferences(actor, session)


@router.get("/schedule")
async def show_schedule(actor: SignedIn, session: ReadOnlySession) -> ScheduleBody:
    """When letters may come."""
    chosen = await schedule_of(session, _person(actor))
    return ScheduleBody(
        time_zone=chosen.time_zone,
        quiet_from=f"{chosen.quiet_from:%H:%M}" if chosen.quiet_from else None,
        quiet_until=f"{chosen.quiet_until:%H:%M}" if chosen.quiet_until else None,
        digest_at=f"{chosen.digest_at:%H:%M}",
    )


@router.put("/schedule")
async def change_schedule(body: ScheduleBody, actor: SignedIn, session: WriteSession) -> ScheduleBody:
    """Choose when letters may come."""
    await set_schedule(
        session,
        actor=actor,
        time_zone=body.time_zone,
        quiet_from=time.fromisoformat(body.quiet_from) if body.quiet_from else None,
        quiet_until=time.fromisoformat(body.quiet_until) if body.quiet_until else None,
        digest_at=time.fromisoformat(body.digest_at),
    )
    return body


@router.post("/{notification_id}/read")
async def read_one(notification_id: UUID, actor: SignedIn, session: WriteSession) -> NotificationOut:
    """Mark one as read."""
    marked = await mark_read(session, actor=actor, notification_id=notification_id)
    return NotificationOut.model_validate(marked, from_attributes=True)


@router.post("/{notification_id}/unread")
async def unread_one(notification_id: UUID, actor: SignedIn, session: WriteSession) -> NotificationOut:
    """Mark one as not read."""
    marked = await mark_read(session, actor=actor, notification_id=notification_id, read=False)
    return NotificationOut.model_validate(marked, from_attributes=True)


async def _preferences(actor: Actor, session: ReadSession | Session) -> list[PreferenceOut]:
    chosen = await preferences_of(session, _person(actor))
    return [
        PreferenceOut(kind=kind, in_bell=in_bell, email=email, essential=kind in ESSENTIAL)
        for kind, (in_bell, email) in chosen.items()
    ]


def _person(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    return actor.person_id
