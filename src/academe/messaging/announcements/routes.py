"""JSON of announcements."""

from uuid import UUID

from starlette.requests import Request

from academe.messaging.announcements.audiences import audiences_for
from academe.messaging.announcements.policy import seen_by
from academe.messaging.announcements.queries import NEWEST_FIRST, announcements, count_read, shown
from academe.messaging.announcements.schemas import AnnouncementIn, AnnouncementOut, AudienceOut
from academe.messaging.announcements.service import (
    ACTOR,
    announcement_for,
    cancel_announcement,
    change_announcement,
    plan_announcement,
)
from academe.messaging.announcements.tasks import ask_for_sending
from academe.messaging.types import AnnouncementStatus
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/announcements", tag="announcements")


@router.get("")
async def list_announcements(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[AnnouncementOut]:
    """What the caller has announced, and in an institution that they administer everything, newest first."""
    wanted = announcements(seen_by(actor))
    return await fetch_page(
        session,
        wanted,
        NEWEST_FIRST,
        paging,
        lambda row: AnnouncementOut.model_validate(shown(row), from_attributes=True),
    )


@router.get("/audiences")
async def list_audiences(actor: SignedIn, session: ReadOnlySession) -> list[AudienceOut]:
    """Whom the caller may address."""
    found = await audiences_for(session, actor)
    return [AudienceOut.model_validate(audience, from_attributes=True) for _, audience in found]


@router.post("", status_code=201)
async def plan(body: AnnouncementIn, actor: SignedIn, session: WriteSession) -> AnnouncementOut:
    """Announce something, at once or at a time."""
    made = await plan_announcement(session, actor=actor, **body.model_dump())
    await ask_for_sending(session, actor=actor, announcement=made)
    return AnnouncementOut.model_validate(made, from_attributes=True)


@router.get("/{announcement_id}")
async def show_announcement(
    request: Request, announcement_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> AnnouncementOut:
    """One announcement, with how many have read it."""
    found = await announcement_for(session, actor=actor, announcement_id=announcement_id)
    out = AnnouncementOut.model_validate(found, from_attributes=True)
    if found.status is AnnouncementStatus.SENT:
        async with database_of(request).reading(ACTOR) as counting:
            out.read = await count_read(counting, announcement_id)
    return out


@router.put("/{announcement_id}")
async def change(
    announcement_id: UUID, body: AnnouncementIn, actor: SignedIn, session: WriteSession
) -> AnnouncementOut:
    """Change what is still planned."""
    changed = await change_announcement(session, actor=actor, announcement_id=announcement_id, **body.model_dump())
    await ask_for_sending(session, actor=actor, announcement=changed)
    return AnnouncementOut.model_validate(changed, from_attributes=True)


@router.post("/{announcement_id}/cancel")
async def cancel(announcement_id: UUID, actor: SignedIn, session: WriteSession) -> AnnouncementOut:
    """Let it not be sent."""
    cancelled = await cancel_announcement(session, actor=actor, announcement_id=announcement_id)
    return AnnouncementOut.model_validate(cancelled, from_attributes=True)
