"""What academics announces to other modules, through the outbox and in the transaction that made it so."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from academe.platform.outbox.service import Fact


@dataclass(frozen=True, slots=True)
class EnrollmentCreated(Fact):
    """A student has a place in an offering from `effective_on`."""

    KIND: ClassVar[str] = "academics.enrollment_created"

    enrollment_id: UUID
    offering_id: UUID
    student_id: UUID
    effective_on: date


@dataclass(frozen=True, slots=True)
class EnrollmentWithdrawn(Fact):
    """A student has left an offering on `effective_on`."""

    KIND: ClassVar[str] = "academics.enrollment_withdrawn"

    enrollment_id: UUID
    offering_id: UUID
    student_id: UUID
    effective_on: date


@dataclass(frozen=True, slots=True)
class AttendanceRecorded(Fact):
    """The attendance of a meeting was saved; `changed` marks are new or different."""

    KIND: ClassVar[str] = "academics.attendance_recorded"

    meeting_id: UUID
    offering_id: UUID
    changed: int


@dataclass(frozen=True, slots=True)
class RosterImported(Fact):
    """A file was imported into the roster of an offering."""

    KIND: ClassVar[str] = "academics.roster_imported"

    offering_id: UUID
    enrolled: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class ResultsPublished(Fact):
    """Results of an assessment became known; those marked on `marked_since` or later are news."""

    KIND: ClassVar[str] = "academics.results_published"

    assessment_id: UUID
    marked_since: date
