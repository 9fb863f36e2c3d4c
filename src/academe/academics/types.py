"""Closed vocabularies of academics."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID


class EnrollmentStatus(StrEnum):
    """Where an enrolment stands; the field's words, with the way through: requested, enrolled, then one of the ends."""

    REQUESTED = "requested"
    WAITLISTED = "waitlisted"
    ENROLLED = "enrolled"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"
    REJECTED = "rejected"


class Outcome(StrEnum):
    """How an enrolment ended, known once the offering has ended or the student has withdrawn."""

    DISTINCTION = "distinction"
    PASS = "pass"
    FAIL = "fail"
    WITHDRAWN = "withdrawn"


class StaffRole(StrEnum):
    """What a person does in one offering."""

    LECTURER = "lecturer"
    CONVENOR = "convenor"
    TUTOR = "tutor"


class MeetingKind(StrEnum):
    """What a scheduled class is."""

    LECTURE = "lecture"
    TUTORIAL = "tutorial"
    LAB = "lab"
    EXAM = "exam"


class AttendanceStatus(StrEnum):
    """Whether a student was there; `tardy` carries minutes, `excused` a reason."""

    PRESENT = "present"
    ABSENT = "absent"
    TARDY = "tardy"
    EXCUSED = "excused"


class AssessmentKind(StrEnum):
    """How a graded item is done and marked."""

    ASSIGNMENT = "assignment"
    QUIZ = "quiz"
    EXAM = "exam"
    PROJECT = "project"


class OfferingStatus(StrEnum):
    """Whether an offering is being planned, taught, or over."""

    PLANNED = "planned"
    ACTIVE = "active"
    ENDED = "ended"
    CANCELLED = "cancelled"


EDUCATION_LEVELS: Final[Mapping[int, str]] = {
    0: "less than primary education",
    1: "primary education",
    2: "lower secondary education",
    3: "upper secondary education",
    4: "post-secondary education",
    5: "short-cycle tertiary education",
    6: "bachelor's degree",
    7: "master's degree",
    8: "doctorate",
}
"""Levels of education: the International Standard Classification of Education (UNESCO, ISCED 2011, section 5)."""


def erased_number(student_id: UUID) -> str:
    """What stands in the place of the number of a student who was erased."""
    return f"erased-{student_id.hex[-12:]}"
