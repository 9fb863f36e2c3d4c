"""Pages of meetings and attendance: the list, a form to schedule one, and the grid of a whole class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.access import meeting_for, offering_for
from academe.academics.attendance.forms import MOST_FIELDS, MeetingForm, errors_by_student, marks_of, seen_version
from academe.academics.attendance.queries import (
    ClassMember,
    MeetingRow,
    class_of,
    meetings,
)
from academe.academics.attendance.service import Mark, create_meeting, record_attendance
from academe.academics.errors import AttendanceChangedError, InvalidMarksError
from academe.academics.models import Meeting
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.types import AttendanceStatus, MeetingKind
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import PageRequest, Paging, SortKey, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, TableView, parse_form, redirect, render

router = page_router()

_COLUMNS: Final = (
    Column("when", "When"),
    Column("meeting", "Meeting"),
    Column("room", "Room", hide_below="md"),
    Column("came", "Attendance", align="end"),
    Column("actions", "Actions", label_hidden=True, align="end", hide_below="sm"),
)
_IN_ORDER: Final = (SortKey("starts_at", Meeting.starts_at), SortKey("id", Meeting.id))
_KINDS: Final = [(kind.value, kind.value.capitalize()) for kind in MeetingKind]


@dataclass(frozen=True, slots=True)
class MeetingsPage:
    """The meetings of an offering, with the form to schedule another."""

    offering: OfferingHead
    table: TableView[MeetingRow]
    form: FormView
    kinds: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A student in the grid: what is chosen, what is wrong with it, and what is saved where that is something else."""

    student_id: UUID
    number: str
    name: str
    status: AttendanceStatus
    minutes_late: int | None
    reason: str
    errors: Sequence[str]
    saved: AttendanceStatus | None


@dataclass(frozen=True, slots=True)
class AttendancePage:
    """The class of one meeting. `is_saved` tells whether any mark is; without one, everybody is shown as present."""

    offering: OfferingHead
    meeting_id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    room: str
    rows: Sequence[MarkRow]
    version: int
    is_saved: bool
    changed_meanwhile: bool
    general_errors: Sequence[str]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many students are shown as what."""
        shown = [row.status for row in self.rows]
        return {status.value: shown.count(status) for status in AttendanceStatus}


@router.get("/offerings/{offering_id}/meetings")
async def list_meetings(
    request: Request, offering_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging
) -> Response:
    """The meetings of an offering in the order of time."""
    return await _meetings_page(request, session, actor, offering_id, paging, FormView({"kind": "lecture"}))


@router.post("/offerings/{offering_id}/meetings")
async def schedule(
    request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession, paging: Paging
) -> Response:
    """Schedule a meeting."""
    parsed = parse_form(MeetingForm, await request.form())
    if parsed.data is None:
        return await _meetings_page(request, session, actor, offering_id, paging, parsed.view, 422)
    form = parsed.data
    try:
        async with session.begin_nested():
            await create_meeting(
                session,
                actor=actor,
                offering_id=offering_id,
                kind=form.kind,
                title=form.title,
                starts_at=form.starts_at,
                ends_at=form.ends_at,
                room=form.room,
            )
    except (InvalidInputError, ConflictError) as error:
        faults = [_beside_field(fault) for fault in error.errors] or [FieldError("", error.message)]
        view = parsed.view.with_errors(faults)
        return await _meetings_page(request, session, actor, offering_id, paging, view, error.status)
    return redirect(request, f"/offerings/{offering_id}/meetings", "The meeting is scheduled.")


@router.get("/meetings/{meeting_id}/attendance")
async def show_attendance(request: Request, meeting_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The grid with what is saved; students without a mark are shown as present."""
    return await _attendance_page(request, session, actor, meeting_id)


@router.post("/meetings/{meeting_id}/attendance")
async def save_attendance(request: Request, meeting_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Save the whole grid. When somebody else saved meanwhile, nothing is saved and both are shown."""
    form = await request.form(max_fields=MOST_FIELDS)
    meeting, _ = await meeting_for(session, actor=actor, meeting_id=meeting_id)
    members = await class_of(session, meeting)
    marks: Sequence[Mark] = ()
    try:
        marks = marks_of(form, members)
        async with session.begin_nested():
            saved = await record_attendance(
                session, actor=actor, meeting_id=meeting_id, marks=marks, seen_version=seen_version(form)
            )
    except (InvalidMarksError, AttendanceChangedError) as error:
        return await _attendance_page(request, session, actor, meeting_id, chosen=marks, error=error)
    if not saved.changed:
        said = "Nothing had changed; the attendance stands as it was."
    else:
        said = f"Attendance is saved: {saved.changed} of {saved.marks} marks were new or different."
    return redirect(request, f"/meetings/{meeting_id}/attendance", said)


async def _meetings_page(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    offering_id: UUID,
    paging: PageRequest,
    form: FormView,
    status: int = 200,
) -> Response:
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    page = await fetch_page(session, meetings(offering.id), _IN_ORDER, paging, _meeting_row)
    table = TableView(
        "meetings",
        request.url,
        _COLUMNS,
        page.items,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    shown = MeetingsPage(head_of(offering, actor, tab="meetings"), table, form, _KINDS)
    return render(request, "academics/meetings.html", shown, block="meetings", status=status)


async def _attendance_page(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    meeting_id: UUID,
    *,
    chosen: Sequence[Mark] = (),
    error: InvalidMarksError | AttendanceChangedError | None = None,
) -> Response:
    meeting, offering = await meeting_for(session, actor=actor, meeting_id=meeting_id)
    members = await class_of(session, meeting)
    faults = errors_by_student(error, chosen) if isinstance(error, InvalidMarksError) else {}
    marks = {mark.student_id: mark for mark in chosen}
    shown = AttendancePage(
        offering=head_of(offering, actor, tab="meetings"),
        meeting_id=meeting.id,
        title=meeting.title,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        room=meeting.room,
        rows=[_mark_row(member, marks.get(member.student_id), faults.get(member.student_id, ())) for member in members],
        version=meeting.attendance_version,
        is_saved=any(member.status for member in members),
        changed_meanwhile=isinstance(error, AttendanceChangedError),
        general_errors=[] if error is None or faults or isinstance(error, AttendanceChangedError) else [error.message],
    )
    return render(request, "academics/attendance.html", shown, status=error.status if error else 200)


def _mark_row(member: ClassMember, chosen: Mark | None, errors: Sequence[str]) -> MarkRow:
    mark = chosen or Mark(
        member.student_id, member.status or AttendanceStatus.PRESENT, member.minutes_late, member.reason
    )
    differs = member.status is not None and (member.status, member.minutes_late) != (mark.status, mark.minutes_late)
    return MarkRow(
        student_id=member.student_id,
        number=member.number,
        name=member.name,
        status=mark.status,
        minutes_late=mark.minutes_late,
        reason=mark.reason,
        errors=errors,
        saved=member.status if differs else None,
    )


def _meeting_row(row: Row[*tuple[Any, ...]]) -> MeetingRow:
    return MeetingRow(*row[:8])


def _beside_field(fault: FieldError) -> FieldError:
    """A fault of the verb beside the field of the form that it comes from."""
    return FieldError({"starts_at": "day", "ends_at": "ends"}.get(fault.field, fault.field), fault.message)
