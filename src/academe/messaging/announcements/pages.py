"""Pages of announcements: the list, the form, and one of them with how many have read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.messaging.announcements.audiences import audiences_for
from academe.messaging.announcements.forms import AnnouncementForm
from academe.messaging.announcements.models import Announcement
from academe.messaging.announcements.policy import can_change, may_announce, seen_by
from academe.messaging.announcements.queries import NEWEST_FIRST, ShownAnnouncement, announcements, count_read, shown
from academe.messaging.announcements.service import (
    ACTOR,
    announcement_for,
    cancel_announcement,
    change_announcement,
    plan_announcement,
)
from academe.messaging.announcements.tasks import ask_for_sending
from academe.messaging.errors import AudienceNotFoundError
from academe.messaging.message_templates.policy import choosable_by
from academe.messaging.message_templates.queries import frames_for
from academe.messaging.types import AnnouncementStatus
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

router = page_router("/announcements")

NAVIGATION: Final = (
    NavigationEntry("Announcements", "/announcements", "message", visible=may_announce, section="Messages"),
)

_TONES: Final = {
    AnnouncementStatus.PLANNED: "accent",
    AnnouncementStatus.SENT: "good",
    AnnouncementStatus.CANCELLED: "neutral",
}
_COLUMNS: Final = (
    Column("title", "Announcement"),
    Column("audience", "To", hide_below="sm"),
    Column("state", "State"),
    Column("told", "Told", align="end", hide_below="sm"),
)


@dataclass(frozen=True, slots=True)
class AnnouncementsPage:
    """What one has announced."""

    table: TableView[ShownAnnouncement]

    def tone(self, status: AnnouncementStatus) -> str:
        """The colour of a state."""
        return _TONES[status]


@dataclass(frozen=True, slots=True)
class AnnouncementFormPage:
    """The form; `action` is where it goes, `choices` are the audiences, and `frames` the templates around it."""

    form: FormView
    action: str
    choices: Sequence[tuple[str, str]]
    heading: str
    frames: Sequence[tuple[UUID, str]]


@dataclass(frozen=True, slots=True)
class AnnouncementPage:
    """One announcement; `read` is how many have read it, empty until it is sent."""

    announcement: Announcement
    tone: str
    read: int | None
    can_change: bool
    is_planned: bool


@router.get("")
async def list_announcements(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The list, newest first."""
    _require(actor)
    found = await fetch_page(session, announcements(seen_by(actor)), NEWEST_FIRST, paging, shown)
    table = TableView(
        "announcements",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    return render(request, "messaging/announcements.html", AnnouncementsPage(table), block="announcements")


@router.get("/new")
async def show_form(request: Request, actor: SignedIn, session: ReadOnlySession, audience: str = "") -> Response:
    """The form of a new one; `?audience=` chooses whom it is for."""
    _require(actor)
    return await _form_page(request, actor, session, FormView({"audience": audience}))


@router.post("/new")
async def plan(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Announce it, at once or at its time."""
    _require(actor)
    parsed = parse_form(AnnouncementForm, await request.form())
    if parsed.data is None:
        return await _form_page(request, actor, session, parsed.view, status=422)
    try:
        made = await plan_announcement(session, actor=actor, **_values(parsed.data))
    except (InvalidInputError, AudienceNotFoundError) as error:
        return await _form_page(request, actor, session, parsed.view.with_errors(error.errors), status=error.status)
    await ask_for_sending(session, actor=actor, announcement=made)
    return redirect(request, f"/announcements/{made.id}", "The announcement is on its way, or waits for its time.")


@router.get("/{announcement_id}")
async def show_announcement(
    request: Request, announcement_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> Response:
    """One announcement, and how many have read it."""
    found = await announcement_for(session, actor=actor, announcement_id=announcement_id)
    read = None
    if found.status is AnnouncementStatus.SENT:
        # Who has read it is theirs to know; how many is told to its author.
        async with database_of(request).reading(ACTOR) as counting:
            read = await count_read(counting, announcement_id)
    is_planned = found.status is AnnouncementStatus.PLANNED
    page = AnnouncementPage(found, _TONES[found.status], read, is_planned and can_change(actor, found), is_planned)
    return render(request, "messaging/announcement.html", page)


@router.get("/{announcement_id}/edit")
async def show_change(request: Request, announcement_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form of one that is still planned."""
    found = await announcement_for(session, actor=actor, announcement_id=announcement_id)
    form = FormView(
        {
            "audience": f"{found.audience_kind}:{found.audience_id}",
            "title": found.title,
            "body": found.body,
            "send_at": f"{found.send_at:%Y-%m-%dT%H:%M}",
            "template_id": found.template_id,
        }
    )
    return await _form_page(request, actor, session, form, announcement_id)


@router.post("/{announcement_id}/edit")
async def change(request: Request, announcement_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Change one that is still planned."""
    parsed = parse_form(AnnouncementForm, await request.form())
    if parsed.data is None:
        return await _form_page(request, actor, session, parsed.view, announcement_id, status=422)
    try:
        values = _values(parsed.data)
        changed = await change_announcement(session, actor=actor, announcement_id=announcement_id, **values)
    except (InvalidInputError, AudienceNotFoundError) as error:
        view = parsed.view.with_errors(error.errors)
        return await _form_page(request, actor, session, view, announcement_id, status=error.status)
    await ask_for_sending(session, actor=actor, announcement=changed)
    return redirect(request, f"/announcements/{announcement_id}", "The announcement is changed.")


@router.post("/{announcement_id}/cancel")
async def cancel(request: Request, announcement_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Let it not be sent."""
    await cancel_announcement(session, actor=actor, announcement_id=announcement_id)
    return redirect(request, f"/announcements/{announcement_id}", "The announcement will not be sent.")


def _require(actor: Actor) -> None:
    if not may_announce(actor):
        raise PermissionDeniedError("Only those who teach or keep records may announce something.")


def _values(form: AnnouncementForm) -> dict[str, Any]:
    return {
        "audience_kind": form.audience_kind,
        "audience_id": form.audience_id,
        "title": form.title,
        "body": form.body,
        "send_at": form.send_at,
        "template_id": form.template_id,
    }


async def _form_page(
    request: Request,
    actor: Actor,
    session: ReadSession | Session,
    form: FormView,
    announcement_id: UUID | None = None,
    *,
    status: int = 200,
) -> Response:
    found = await audiences_for(session, actor)
    choices = [(f"{one.kind}:{one.id}", f"{source.words}: {one.label}") for source, one in found]
    action = f"/announcements/{announcement_id}/edit" if announcement_id else "/announcements/new"
    heading = "Change the announcement" if announcement_id else "New announcement"
    page = AnnouncementFormPage(form, action, choices, heading, await frames_for(session, choosable_by(actor)))
    return render(request, "messaging/announcement_form.html", page, status=status)
