"""Pages of notifications: the list, the way to the thing, preferences, and the stream behind the bell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from academe.messaging.errors import QuietHoursError, TimeZoneNotKnownError
from academe.messaging.notifications.forms import PreferencesForm, ScheduleForm
from academe.messaging.notifications.live import LiveBells
from academe.messaging.notifications.policy import readable_by
from academe.messaging.notifications.queries import (
    NEWEST_FIRST,
    ShownNotification,
    notifications_for,
    preferences_of,
    schedule_of,
    shown,
    time_zones,
)
from academe.messaging.notifications.service import Preference, mark_all_read, mark_read, set_preferences, set_schedule
from academe.messaging.types import EMAIL_USUALLY, ESSENTIAL, EmailMode, NotificationKind
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
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


EMAIL_WORDS: Final = (
    (EmailMode.OFF, "No e-mail"),
    (EmailMode.AT_ONCE, "At once"),
    (EmailMode.DAILY, "In the daily letter"),
)


@dataclass(frozen=True, slots=True)
class ShownPreference:
    """A kind with where it is told; an essential one always is."""

    kind: str
    name: str
    note: str
    in_bell: bool
    email: str
    essential: bool

    @property
    def modes(self) -> Sequence[tuple[str, str]]:
        """How it may be told by e-mail."""
        return [(mode.value, words) for mode, words in EMAIL_WORDS if not (self.essential and mode is EmailMode.OFF)]


@dataclass(frozen=True, slots=True)
class PreferencesPage:
    """What one wants to be told, where, and when; `form` is that of the times."""

    preferences: Sequence[ShownPreference]
    form: FormView
    zones: Sequence[tuple[str, str]]
    fault: str = ""


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
    """What one wants to be told, where, and when."""
    return await _preferences_page(request, actor, session)


@router.post("/preferences")
async def take_preferences(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Keep where one wants to be told."""
    parsed = parse_form(PreferencesForm, await request.form())
    if parsed.data is None:
        return await _preferences_page(request, actor, session, fault="Please choose from what is offered.", status=422)
    usual = {kind: parsed.data.email.get(kind, EMAIL_USUALLY[kind]) for kind in NotificationKind}
    wanted = {kind: Preference(kind in parsed.data.bell, email) for kind, email in usual.items()}
    await set_preferences(session, actor=actor, wanted=wanted)
    return redirect(request, f"{INBOX}/preferences", "Your choice is kept.")


@router.post("/schedule")
async def take_schedule(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Keep when letters may come."""
    parsed = parse_form(ScheduleForm, await request.form())
    if parsed.data is None:
        return await _preferences_page(request, actor, session, form=parsed.view, status=422)
    try:
        await set_schedule(session, actor=actor, **parsed.data.model_dump())
    except (TimeZoneNotKnownError, QuietHoursError) as error:
        view = parsed.view.with_errors(error.errors)
        return await _preferences_page(request, actor, session, form=view, status=error.status)
    return redirect(request, f"{INBOX}/preferences", "Your times are kept.")


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


async def _preferences_page(
    request: Request,
    actor: Actor,
    session: ReadSession | Session,
    *,
    form: FormView | None = None,
    fault: str = "",
    status: int = 200,
) -> Response:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    chosen = await preferences_of(session, actor.person_id)
    preferences = [
        ShownPreference(kind.value, *KIND_WORDS[kind], in_bell, email.value, kind in ESSENTIAL)
        for kind, (in_bell, email) in chosen.items()
    ]
    if form is None:
        times = await schedule_of(session, actor.person_id)
        form = FormView(
            {
                "time_zone": times.time_zone,
                "quiet_from": f"{times.quiet_from:%H:%M}" if times.quiet_from else "",
                "quiet_until": f"{times.quiet_until:%H:%M}" if times.quiet_until else "",
                "digest_at": f"{times.digest_at:%H:%M}",
            }
        )
    zones = [(zone, zone.replace("_", " ")) for zone in await time_zones(session)]
    page = PreferencesPage(preferences, form, zones, fault)
    return render(request, "messaging/preferences.html", page, status=status)
