"""Verbs of attendance: schedule a meeting, and save the marks of a whole class in one statement."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from academe.academics.access import MeetingToRecord, meeting_to_record, offering_for
from academe.academics.errors import AttendanceChangedError, InvalidMarksError, MeetingExistsError
from academe.academics.facts import AttendanceRecorded
from academe.academics.models import Meeting, Offering
from academe.academics.policy import can_take_attendance
from academe.academics.types import AttendanceStatus, MeetingKind
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_ids
from academe.platform.outbox.service import announce

MOST_MARKS: Final = 2000
LONGEST_REASON: Final = 500
LONGEST_DELAY_MINUTES: Final = 600
LONGEST_MEETING: Final = timedelta(hours=24)

# Whoever has left keeps a mark from before, but gets no new one; what stands already is not touched. Driven by one JSON
# parameter: a list given to the driver costs more to send.
_SAVE: Final = DriverStatement(
    """
    WITH mark AS MATERIALIZED (
        SELECT mark.id, mark.student_id, mark.status, mark.minutes_late, coalesce(mark.reason, '') AS reason,
               saved.id AS saved_id, enrollment.id AS enrollment_id,
               (saved.status, saved.minutes_late, saved.reason)
                   IS DISTINCT FROM (mark.status, mark.minutes_late, coalesce(mark.reason, '')) AS differs
        FROM json_to_recordset(CAST(%(marks)s AS json))
            AS mark (id uuid, student_id uuid, status text, minutes_late smallint, reason text)
        LEFT JOIN attendance AS saved ON saved.meeting_id = %(meeting)s AND saved.student_id = mark.student_id
        LEFT JOIN enrollment ON enrollment.offering_id = %(offering)s AND enrollment.student_id = mark.student_id
            AND enrollment.status IN ('enrolled', 'completed')
    ), written AS (
        INSERT INTO attendance
            (id, meeting_id, offering_id, student_id, date, status, minutes_late, reason, recorded_by)
        SELECT id, %(meeting)s, %(offering)s, student_id, %(date)s, status, minutes_late, reason, %(recorded_by)s
        FROM mark
        WHERE differs AND (saved_id IS NOT NULL OR enrollment_id IS NOT NULL)
        ON CONFLICT (meeting_id, student_id) DO UPDATE
        SET status = excluded.status, minutes_late = excluded.minutes_late, reason = excluded.reason,
            recorded_by = excluded.recorded_by
        RETURNING id
    ), counted AS (
        UPDATE meeting SET attendance_version = attendance_version + 1
        WHERE id = %(meeting)s AND EXISTS (SELECT FROM written)
        RETURNING attendance_version
    )
    SELECT (SELECT count(*) FROM written), (SELECT attendance_version FROM counted),
           ARRAY(SELECT student_id FROM mark WHERE saved_id IS NULL AND enrollment_id IS NULL)
    """,
    operation="insert",
    table="attendance",
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether one student came. `minutes_late` (1 to 600) is for the tardy, and only for them."""

    student_id: UUID
    status: AttendanceStatus
    minutes_late: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AttendanceSaved:
    """What saving did: marks given, how many of them were new or different, and the version that stands now."""

    marks: int
    changed: int
    version: int


async def create_meeting(
    session: Session,
    *,
    actor: Actor,
    offering_id: UUID,
    kind: MeetingKind,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    room: str = "",
) -> Meeting:
    """Schedule a meeting of an offering, within its days; moments are aware.

    Raises OfferingNotFoundError, PermissionDeniedError, InvalidInputError and MeetingExistsError for a second meeting
    of that title at that time.
    """
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    if not can_take_attendance(actor, offering):
        raise PermissionDeniedError("Only those who teach this offering and registrars may schedule its meetings.")
    faults = list(_faults_of_meeting(offering, title, starts_at, ends_at))
    if faults:
        raise InvalidInputError(errors=faults)
    meeting = Meeting(
        offering_id=offering.id,
        kind=kind,
        title=title.strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        room=room.strip(),
    )
    try:
        async with session.begin_nested():
            session.add(meeting)
    except IntegrityError as error:
        raise MeetingExistsError from error
    record(
        session,
        actor=actor,
        action="meeting.created",
        subject=Subject("meeting", meeting.id, offering.institution_id),
        summary=f"{kind.value.capitalize()} of {offering.unit.code} {offering.term.code} scheduled",
        changes={"starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()},
    )
    return meeting


async def record_attendance(
    session: Session, *, actor: Actor, meeting_id: UUID, marks: Sequence[Mark], seen_version: int | None = None
) -> AttendanceSaved:
    """Save who came to a meeting: all marks or none, in one statement. Students without a mark stay as they are.

    With `seen_version`, marks that somebody else saved since then are not overwritten: AttendanceChangedError. Raises
    MeetingNotFoundError, PermissionDeniedError, and InvalidMarksError naming each mark by its place, from 0.
    """
    meeting = await meeting_to_record(session, actor=actor, meeting_id=meeting_id)
    faults = list(_faults_of_marks(marks))
    if faults:
        raise InvalidMarksError(errors=faults)
    if seen_version is not None and seen_version != meeting.attendance_version:
        raise AttendanceChangedError(
            "Somebody else has saved marks of this meeting since you opened it; nothing of yours was saved. "
            "Open the page again to see theirs."
        )
    changed, version = await _save(session, actor, meeting, marks)
    if changed:
        record(
            session,
            actor=actor,
            action="attendance.recorded",
            subject=Subject("meeting", meeting.id, meeting.institution_id),
            summary=f"Attendance of {len(marks)} students saved, {changed} marks new or different",
            changes={"marks": len(marks), "changed": changed},
        )
        await announce(session, AttendanceRecorded(meeting.id, meeting.offering_id, changed))
    return AttendanceSaved(len(marks), changed, version)


async def _save(session: Session, actor: Actor, meeting: MeetingToRecord, marks: Sequence[Mark]) -> tuple[int, int]:
    """How many marks were new or different, and the version that stands now."""
    rows = []
    for identity, mark in zip(new_ids(len(marks)), marks, strict=True):
        row: dict[str, object] = {"id": str(identity), "student_id": str(mark.student_id), "status": mark.status.value}
        if mark.minutes_late is not None:
            row["minutes_late"] = mark.minutes_late
        if mark.reason:
            row["reason"] = mark.reason.strip()
        rows.append(row)
    values = {
        "marks": json.dumps(rows, ensure_ascii=False),
        "meeting": meeting.id,
        "offering": meeting.offering_id,
        "date": meeting.starts_at.astimezone(UTC).date(),
        "recorded_by": actor.person_id,
    }
    [(changed, version, strangers)] = await _SAVE.rows(await session.connection(), values)
    if strangers:
        unknown = set(strangers)
        raise InvalidMarksError(
            errors=[
                FieldError(f"marks.{place}.student_id", "This student does not take part in the offering.")
                for place, mark in enumerate(marks)
                if mark.student_id in unknown
            ]
        )
    return changed, meeting.attendance_version if version is None else version


def _faults_of_marks(marks: Sequence[Mark]) -> Iterator[FieldError]:
    if len(marks) > MOST_MARKS:
        yield FieldError("marks", f"At most {MOST_MARKS} marks can be saved at once.")
    seen: set[UUID] = set()
    for place, mark in enumerate(marks):
        if mark.student_id in seen:
            yield FieldError(f"marks.{place}.student_id", "This student has two marks.")
        seen.add(mark.student_id)
        late = mark.minutes_late
        if mark.status is AttendanceStatus.TARDY:
            if late is None or not 1 <= late <= LONGEST_DELAY_MINUTES:
                message = f"Please say how late, in minutes from 1 to {LONGEST_DELAY_MINUTES}."
                yield FieldError(f"marks.{place}.minutes_late", message)
        elif late is not None:
            yield FieldError(f"marks.{place}.minutes_late", "Minutes are only for those who came late.")
        if len(mark.reason) > LONGEST_REASON:
            yield FieldError(f"marks.{place}.reason", f"Please write at most {LONGEST_REASON} characters.")


def _faults_of_meeting(offering: Offering, title: str, starts_at: datetime, ends_at: datetime) -> Iterator[FieldError]:
    if not 1 <= len(title.strip()) <= 200:
        yield FieldError("title", "Please give a title of 1 to 200 characters.")
    if not starts_at < ends_at <= starts_at + LONGEST_MEETING:
        yield FieldError("ends_at", "The end must follow the beginning, within a day.")
    if not offering.starts_on <= starts_at.astimezone(UTC).date() <= offering.ends_on:
        days = f"{offering.starts_on.isoformat()} to {offering.ends_on.isoformat()}"
        yield FieldError("starts_at", f"The offering is taught from {days}.")
