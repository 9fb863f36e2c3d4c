"""Pages of notifications: the list, the way to the thing, preferences, and the stream behind the bell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from academe.messaging.notifications.forms import PreferencesForm
from academe.messaging.notifications.live import LiveBells
from academe.messaging.notifications.policy import readable_by
from academe.messaging.notifications.queries import (
    NEWEST_FIRST,
    ShownNotification,
    bell_preferences,
    notifications_for,
    shown,
)
from academe.messaging.notifications.service import mark_all_read, mark_read, set_bell_preferences
from academe.messaging.types import ESSENTIAL, NotificationKind
from academe.platform import clock
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, TableView, parse_form, redirect, render

router = page_router("/notifications")

INBOX: Final = "/notifications"
"""Where the bell leads."""

ICONS: Final = {
    NotificationKind.ATTENDANCE: "user-check",
    NotificationKind.FEES: "file-text",
    NotificationKind.EVENT: "calendar-event",
    NotificationKind.GRADE: "award",
    NotificationKind.ENROLMENT: "book",
    NotificationKind.TICKET: "ticket",
    NotificationKind.RISK: "heart-handshake",
    NotificationKind.ANNOUNCEMENT: "message",
    NotificationKind.SYSTEM: "settings",
}

KIND_WORDS: Final = {
    NotificationKind.ATTENDANCE: ("Attendance", "When you are marked absent"),
    NotificationKind.FEES: ("Fees", "Notices about what is to be paid"),
    NotificationKind.EVENT: ("Events", "Events you are registered for"),
    NotificationKind.GRADE: ("Results", "When a result of yours is published"),
    NotificationKind.ENROLMENT: ("Enrolment", "When you are enrolled or withdrawn"),
    NotificationKind.TICKET: ("Tickets", "Answers to what you asked"),
    NotificationKind.RISK: ("Students at risk", "For advisors: when a student's risk becomes high"),
    NotificationKind.ANNOUNCEMENT: ("Announcements", "What your institution or your teachers announce"),
    NotificationKind.SYSTEM: ("System", "How work that you asked for has ended"),
}
"""Of each kind its name, and when it comes."""


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """What one was told, as far as the filters let through."""

    table: TableView[ShownNotification]
    kind: str
    unread: str
    today: date

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """The choices of the filter."""
        return [("", "All kinds"), *((kind.value, name) for kind, (name, _) in KIND_WORDS.items())]

    def icon_of(self, notification: ShownNotification) -> str:
        """The drawing of its kind."""
        return ICONS[notification.kind]

    def name_of(self, notification: ShownNotification) -> str:
        """The name of its kind."""
        return KIND_WORDS[notification.kind][0]


@dataclass(frozen=True, slots=True)
class PreferencesPage:
    """What one wants to be told; kinds as (value, name, note, essential)."""

    form: FormView
    kinds: Sequence[tuple[str, str, str, bool]]


@router.get("")
async def show_notifications(
    request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging, kind: str = "", unread: str = ""
) -> Response:
    """The list, newest first; what no filter knows lets everything through."""
    chosen = NotificationKind(kind) if kind in set(NotificationKind) else None
    wanted = notifications_for(readable_by(actor), kind=chosen, unread=unread == "1")
    found = await fetch_page(session, wanted, NEWEST_FIRST, paging, shown)
    table = TableView(
        "notifications",
        request.url,
        (),
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    page = NotificationsPage(table, chosen.value if chosen else "", "1" if unread == "1" else "", clock.now().date())
    return render(request, "messaging/notifications.html", page, block="notifications")


@router.get("/stream")
async def stream(request: Request, actor: SignedIn) -> Response:
    """The events behind the bell; what proxies would keep back is told them not to."""
    bells: LiveBells = request.app.state.live_bells
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(bells.stream(actor), media_type="text/event-stream", headers=headers)


@router.post("/read")
async def read_all(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Mark everything as read."""
    count = await mark_all_read(session, actor=actor)
    return redirect(request, INBOX, "Everything is marked as read." if count else "There was nothing unread.")


@router.get("/preferences")
async def show_preferences(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What one wants to be told, and where."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    chosen = await bell_preferences(session, actor.person_id)
    form = FormView({"bell": [kind.value for kind, yes in chosen.items() if yes]})
    return _preferences_page(request, form)


@router.post("/preferences")
async def take_preferences(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Keep what was chosen."""
    parsed = parse_form(PreferencesForm, await request.form())
    if parsed.data is None:
        return _preferences_page(request, parsed.view, status=422)
    wanted = {kind: kind in parsed.data.bell for kind in NotificationKind}
    await set_bell_preferences(session, actor=actor, wanted=wanted)
    return redirect(request, f"{INBOX}/preferences", "Your choice is kept.")


@router.post("/{notification_id}/open")
async def open_one(request: Request, notification_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Go to the thing; having gone there is having read."""
    opened = await mark_read(session, actor=actor, notification_id=notification_id)
    return redirect(request, opened.link or INBOX)


@router.post("/{notification_id}/read")
async def read_one(request: Request, notification_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Mark one as read."""
    await mark_read(session, actor=actor, notification_id=notification_id)
    return redirect(request, _back(request))


@router.post("/{notification_id}/unread")
async def unread_one(request: Request, notification_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Mark one as not read."""
    await mark_read(session, actor=actor, notification_id=notification_id, read=False)
    return redirect(request, _back(request))


def _back(request: Request) -> str:
    """The list as it was: its filters stand in the address of the button."""
    return f"{INBOX}?{request.url.query}" if request.url.query else INBOX


def _preferences_page(request: Request, form: FormView, *, status: int = 200) -> Response:
    kinds = [(kind.value, name, note, kind in ESSENTIAL) for kind, (name, note) in KIND_WORDS.items()]
    return render(request, "messaging/preferences.html", PreferencesPage(form, kinds), status=status)
