"""Forms of meetings and attendance. Times are typed without an offset and mean UTC, the clock of the institution."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field

from academe.academics.attendance.queries import ClassMember
from academe.academics.attendance.service import Mark
from academe.academics.errors import InvalidMarksError
from academe.academics.types import AttendanceStatus, MeetingKind
from academe.platform.errors import FieldError

MOST_FIELDS: Final = 8000
"""Three for each student of the largest class, and some."""


class MeetingForm(BaseModel):
    """A meeting on one day."""

    kind: MeetingKind
    title: str = Field(max_length=200)
    day: date
    starts: time
    ends: time
    room: str = Field("", max_length=100)

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        return datetime.combine(self.day, self.starts, UTC)

    @property
    def ends_at(self) -> datetime:
        """When it ends."""
        return datetime.combine(self.day, self.ends, UTC)


def marks_of(form: Mapping[str, object], members: Sequence[ClassMember]) -> Sequence[Mark]:
    """The marks of a submitted class, in the order of its members; who has no choice made is left out.

    A student has the fields `status-ID`, `minutes-ID` (read for the tardy only) and `reason-ID` (not for the present).
    Raises InvalidMarksError for words that are no status and minutes that are no number.
    """
    marks: list[Mark] = []
    faults: list[FieldError] = []
    for member in members:
        status = str(form.get(f"status-{member.student_id}", ""))
        if not status:
            continue
        place = f"marks.{len(marks)}"
        if status not in set(AttendanceStatus):
            faults.append(FieldError(f"{place}.status", "Please choose one of the four."))
            continue
        minutes, reason = (str(form.get(f"{name}-{member.student_id}", "")).strip() for name in ("minutes", "reason"))
        chosen = AttendanceStatus(status)
        if chosen is not AttendanceStatus.TARDY:
            minutes = ""
        if minutes and not (minutes.isascii() and minutes.isdigit()):
            faults.append(FieldError(f"{place}.minutes_late", "Please give whole minutes."))
            minutes = ""
        if chosen is AttendanceStatus.PRESENT:
            reason = ""
        marks.append(Mark(member.student_id, chosen, int(minutes) if minutes else None, reason))
    if faults:
        raise InvalidMarksError(errors=faults)
    return marks


def seen_version(form: Mapping[str, object]) -> int:
    """The version that was shown with the form; one that never stands where the field was meddled with."""
    text = str(form.get("version", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def errors_by_student(error: InvalidMarksError, marks: Sequence[Mark]) -> dict[UUID, list[str]]:
    """The faults of marks by the student they are about; those about no mark are left out."""
    found: dict[UUID, list[str]] = {}
    for fault in error.errors:
        _, _, place = fault.field.partition("marks.")
        number = place.partition(".")[0]
        if number.isdigit() and int(number) < len(marks):
            found.setdefault(marks[int(number)].student_id, []).append(fault.message)
    return found
