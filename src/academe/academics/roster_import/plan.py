"""What a file would change: its lines beside the roster as it stands, found with one statement."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text

from academe.academics.access import AnySession
from academe.academics.errors import OfferingFullError
from academe.academics.models import Offering
from academe.academics.roster.service import checked_day, require_places
from academe.academics.roster_import.files import MOST_FAULTS, RosterFile, RosterLine
from academe.academics.types import EnrollmentStatus
from academe.platform.errors import FieldError, InvalidInputError

_STATES: Final = text("""
    SELECT wanted.number, student_record.id, enrollment.id, enrollment.status, enrollment.enrolled_on
    FROM jsonb_array_elements_text(CAST(:numbers AS jsonb)) AS wanted (number)
    JOIN student_record ON student_record.institution_id = :institution AND student_record.number = wanted.number
    LEFT JOIN enrollment ON enrollment.offering_id = :offering AND enrollment.student_id = student_record.id
""")


class Change(StrEnum):
    """What a line does to the roster."""

    ENROL = "enrol"
    READMIT = "readmit"
    WITHDRAW = "withdraw"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One line with what it does. `enrollment_id` is empty for a student who was never in the offering."""

    line: int
    number: str
    change: Change
    student_id: UUID
    enrollment_id: UUID | None
    before: EnrollmentStatus | None
    day: date
    reason: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Everything a file would do, or everything that is wrong with it. `faults` counts errors left out too."""

    steps: Sequence[PlannedStep]
    errors: Sequence[FieldError]
    faults: int

    @property
    def changes(self) -> Sequence[PlannedStep]:
        """The lines that change something."""
        return [step for step in self.steps if step.change is not Change.NONE]

    @property
    def counts(self) -> Mapping[Change, int]:
        """How many lines do what."""
        counted = Counter(step.change for step in self.steps)
        return {change: counted[change] for change in Change}

    @property
    def can_be_applied(self) -> bool:
        """Whether nothing is wrong and something would change."""
        return not self.faults and bool(self.changes)


@dataclass(frozen=True, slots=True)
class _State:
    student_id: UUID
    enrollment_id: UUID | None
    status: EnrollmentStatus | None
    enrolled_on: date | None


async def plan_import(session: AnySession, *, offering: Offering, file: RosterFile) -> ImportPlan:
    """Compare a file with the roster of an offering that the actor may change."""
    states = await _states(session, offering, file.lines)
    steps: list[PlannedStep] = []
    errors: list[FieldError] = list(file.errors)
    for line in file.lines:
        step = _step(offering, line, states.get(line.number))
        if isinstance(step, FieldError):
            errors.append(step)
        else:
            steps.append(step)
    if not errors:
        errors += await _too_many(session, offering, steps)
    more = len(errors) - len(file.errors)
    ordered = sorted(errors, key=lambda error: (error.line or 0, error.field))
    return ImportPlan(steps, ordered[:MOST_FAULTS], file.faults + more)


async def _too_many(session: AnySession, offering: Offering, steps: Sequence[PlannedStep]) -> list[FieldError]:
    coming = sum(step.change in (Change.ENROL, Change.READMIT) for step in steps)
    going = sum(step.change is Change.WITHDRAW and step.before is EnrollmentStatus.ENROLLED for step in steps)
    try:
        await require_places(session, offering, coming - going)
    except OfferingFullError as error:
        return [FieldError("file", f"{error.message} The file needs {coming - going}.")]
    return []


async def _states(session: AnySession, offering: Offering, lines: Sequence[RosterLine]) -> dict[str, _State]:
    values = {
        "numbers": json.dumps([line.number for line in lines], ensure_ascii=False),
        "institution": offering.institution_id,
        "offering": offering.id,
    }
    return {
        number: _State(student_id, enrollment_id, EnrollmentStatus(status) if status else None, enrolled_on)
        for number, student_id, enrollment_id, status, enrolled_on in await session.execute(_STATES, values)
    }


def _step(offering: Offering, line: RosterLine, state: _State | None) -> PlannedStep | FieldError:
    if state is None:
        return FieldError("student_number", f"There is no student with the number {line.number}.", line.line)
    change = _change(line, state)
    if isinstance(change, FieldError):
        return change
    try:
        day = checked_day(offering, line.effective_on, line=line.line)
    except InvalidInputError as error:
        return error.errors[0]
    if change is Change.WITHDRAW and state.enrolled_on and line.effective_on and day < state.enrolled_on:
        message = f"The student was enrolled on {state.enrolled_on.isoformat()}."
        return FieldError("effective_on", message, line.line)
    return PlannedStep(
        line.line, line.number, change, state.student_id, state.enrollment_id, state.status, day, line.reason
    )


def _change(line: RosterLine, state: _State) -> Change | FieldError:
    if line.wanted == "enrolled":
        if state.status is None:
            return Change.ENROL
        settled = state.status in (EnrollmentStatus.ENROLLED, EnrollmentStatus.COMPLETED)
        return Change.NONE if settled else Change.READMIT
    if state.status is None:
        return FieldError("status", "The student is not in this offering.", line.line)
    if state.status is EnrollmentStatus.COMPLETED:
        return FieldError("status", "The student has completed the offering.", line.line)
    left = state.status in (EnrollmentStatus.WITHDRAWN, EnrollmentStatus.REJECTED)
    return Change.NONE if left else Change.WITHDRAW
