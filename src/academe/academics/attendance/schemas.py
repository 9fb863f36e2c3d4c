"""What programs send and get about meetings and attendance."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from academe.academics.attendance.service import LONGEST_REASON, MOST_MARKS
from academe.academics.types import AttendanceStatus, MeetingKind


class MeetingIn(BaseModel):
    """A meeting to be scheduled; moments carry their offset."""

    kind: MeetingKind
    title: str = Field(min_length=1, max_length=200)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    room: str = Field("", max_length=100)


class MeetingOut(BaseModel):
    """A scheduled meeting; `marked` marks are saved, `came` of them say that the student was there."""

    id: UUID
    kind: MeetingKind
    title: str
    starts_at: datetime
    ends_at: datetime
    room: str
    marked: int = 0
    came: int = 0


class MarkIn(BaseModel):
    """Whether one student came; minutes late go with `tardy` and only with it."""

    student_id: UUID
    status: AttendanceStatus
    minutes_late: int | None = None
    reason: str = Field("", max_length=LONGEST_REASON)


class AttendanceIn(BaseModel):
    """Marks of a meeting. With `version`, nothing is saved when somebody else has changed a mark since."""

    marks: list[MarkIn] = Field(max_length=MOST_MARKS)
    version: int | None = Field(None, description="The version of the marks that the caller has seen.")


class AttendanceSavedOut(BaseModel):
    """What saving did; `changed` marks were new or different."""

    marks: int
    changed: int
    version: int


class ClassMemberOut(BaseModel):
    """A student of the class with the saved mark; null where none is saved."""

    student_id: UUID
    number: str
    name: str
    status: AttendanceStatus | None
    minutes_late: int | None
    reason: str


class AttendanceOut(BaseModel):
    """The class of a meeting in the order of numbers."""

    version: int
    students: list[ClassMemberOut]
