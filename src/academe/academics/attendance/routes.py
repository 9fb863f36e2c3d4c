"""JSON of meetings and attendance."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from academe.academics.access import meeting_for, require_roster_of
from academe.academics.attendance.queries import MeetingRow, class_of, meetings
from academe.academics.attendance.schemas import (
    AttendanceIn,
    AttendanceOut,
    AttendanceSavedOut,
    ClassMemberOut,
    MeetingIn,
    MeetingOut,
)
from academe.academics.attendance.service import Mark, create_meeting, record_attendance
from academe.academics.models import Meeting
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, SortKey, fetch_page
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("", tag="attendance")

IN_ORDER = (SortKey("starts_at", Meeting.starts_at), SortKey("id", Meeting.id))


@router.get("/offerings/{offering_id}/meetings")
async def list_meetings(
    offering_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging
) -> Page[MeetingOut]:
    """The meetings of an offering in the order of time."""
    await require_roster_of(session, actor=actor, offering_id=offering_id)
    return await fetch_page(session, meetings(offering_id), IN_ORDER, paging, _shown)


@router.post("/offerings/{offering_id}/meetings", status_code=201)
@safe_to_repeat
async def schedule(offering_id: UUID, body: MeetingIn, actor: SignedIn, session: WriteSession) -> MeetingOut:
    """Schedule a meeting."""
    meeting = await create_meeting(
        session,
        actor=actor,
        offering_id=offering_id,
        kind=body.kind,
        title=body.title,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        room=body.room,
    )
    return MeetingOut.model_validate(meeting, from_attributes=True)


@router.get("/meetings/{meeting_id}/attendance")
async def show_attendance(meeting_id: UUID, actor: SignedIn, session: ReadOnlySession) -> AttendanceOut:
    """The class of a meeting with the saved marks, and their version."""
    meeting, _ = await meeting_for(session, actor=actor, meeting_id=meeting_id)
    members = await class_of(session, meeting)
    return AttendanceOut(
        version=meeting.attendance_version,
        students=[ClassMemberOut.model_validate(member, from_attributes=True) for member in members],
    )


@router.put("/meetings/{meeting_id}/attendance")
@safe_to_repeat
async def save_attendance(
    meeting_id: UUID, body: AttendanceIn, actor: SignedIn, session: WriteSession
) -> AttendanceSavedOut:
    """Save the marks of a whole class, all or none."""
    marks = [Mark(mark.student_id, mark.status, mark.minutes_late, mark.reason) for mark in body.marks]
    saved = await record_attendance(session, actor=actor, meeting_id=meeting_id, marks=marks, seen_version=body.version)
    return AttendanceSavedOut.model_validate(saved, from_attributes=True)


def _shown(row: Row[*tuple[Any, ...]]) -> MeetingOut:
    return MeetingOut.model_validate(MeetingRow(*row[:8]), from_attributes=True)
