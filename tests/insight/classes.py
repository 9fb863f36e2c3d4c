"""A small class whose every fact has a day, and the records as they stood on any of them.

Days are counted from the start of the offering that tests are about, `main`. Besides there is `beside`, which begins on
the same day, and `before`, an earlier offering of the same unit that ends ten days into the main one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import insert

from academe.academics.models import (
    Assessment,
    Enrollment,
    EnrollmentStatusChange,
    Offering,
    Result,
    StudentRecord,
    Term,
    Unit,
)
from academe.academics.types import AssessmentKind, EnrollmentStatus, Outcome
from academe.identity.models import OrgUnit, Person
from academe.identity.types import OrgUnitKind
from academe.insight.rollup import rebuild_learner_days
from academe.lrs.models import ActivityDay
from academe.platform.database.partitions import ensure_months
from academe.platform.database.session import Session

STARTS_ON: Final = date(2026, 9, 28)
OFFERINGS: Final = {"main": (0, 100), "beside": (0, 60), "before": (-120, 10)}
"""First and last day of each offering."""

SITES: Final = ("oucontent", "forumng", "quiz", "resource")
"""The kinds of the materials of the main offering."""

ASSESSMENTS: Final = (
    ("Assignment 1", AssessmentKind.ASSIGNMENT, 20, 10),
    ("Assignment 2", AssessmentKind.ASSIGNMENT, 30, 30),
    ("Exam", AssessmentKind.EXAM, 100, 100),
)
"""Title, kind, weight and due day of the coursework of the main offering."""

ENROLLED: Final = EnrollmentStatus.ENROLLED
WITHDRAWN: Final = EnrollmentStatus.WITHDRAWN


@dataclass(frozen=True)
class History:
    """The steps of one student in one offering. `begins_unknown`: enrolled from a day that no record says."""

    student: int
    steps: tuple[tuple[EnrollmentStatus, int], ...]
    offering: str = "main"
    begins_unknown: bool = False
    outcome: tuple[Outcome, int] | None = None


@dataclass(frozen=True)
class Use:
    """Clicks of one student on one material on one day."""

    student: int
    day: int
    site: int
    clicks: int


@dataclass(frozen=True)
class Work:
    """One student's piece of coursework; carried over from an earlier attempt when it has no days."""

    student: int
    assessment: int
    submitted: int | None = None
    marked: int | None = None
    score: int | None = None


@dataclass(frozen=True)
class Records:
    """All facts about a class."""

    histories: tuple[History, ...] = ()
    uses: tuple[Use, ...] = ()
    works: tuple[Work, ...] = ()

    def until(self, day: int) -> "Records":
        """The facts known at the end of a day."""
        histories = (
            replace(
                history,
                steps=tuple(step for step in history.steps if step[1] <= day),
                outcome=history.outcome if history.outcome and history.outcome[1] <= day else None,
            )
            for history in self.histories
        )
        works = (
            work if work.marked is None or work.marked <= day else replace(work, marked=None, score=None)
            for work in self.works
            if work.submitted is None or work.submitted <= day
        )
        return Records(
            tuple(history for history in histories if history.steps or history.begins_unknown),
            tuple(use for use in self.uses if use.day <= day),
            tuple(works),
        )


def on(day: int) -> date:
    """The date of a day."""
    return STARTS_ON + timedelta(days=day)


def id_of(*names: object) -> UUID:
    """The key of a row, the same in every test."""
    return uuid5(NAMESPACE_OID, "/".join(str(name) for name in names))


MAIN: Final = id_of("offering", "main")


def enrollment_id(student: int, offering: str = "main") -> str:
    """The key of an enrolment, as feature rows have it."""
    return str(id_of("enrollment", offering, student))


async def found(session: Session, *, students: int) -> None:
    """Write what has no history: the institution, its offerings and coursework, and students in none of them."""
    root = id_of("institution")
    first, last = min(day for day, _ in OFFERINGS.values()), max(day for _, day in OFFERINGS.values())
    await ensure_months(session, "activity_day", on(first - 60), on(last))
    session.add(
        OrgUnit(id=root, institution_id=root, kind=OrgUnitKind.INSTITUTION, code="small", name="A small institution")
    )
    await session.flush()
    units = {name: id_of("unit", name == "beside") for name in OFFERINGS}
    session.add_all(
        [
            *(
                Unit(id=unit, org_unit_id=root, institution_id=root, code=str(unit), title="A unit")
                for unit in set(units.values())
            ),
            *(
                Term(id=id_of("term", n), institution_id=root, code=n, title=n, starts_on=on(a), ends_on=on(b))
                for n, (a, b) in OFFERINGS.items()
            ),
            *(Person(id=id_of("person", n), institution_id=root, display_name=f"Student {n}") for n in range(students)),
        ]
    )
    await session.flush()
    session.add_all(
        [
            *(
                Offering(
                    id=id_of("offering", name),
                    unit_id=units[name],
                    term_id=id_of("term", name),
                    org_unit_id=root,
                    institution_id=root,
                    starts_on=on(first_day),
                    ends_on=on(last_day),
                )
                for name, (first_day, last_day) in OFFERINGS.items()
            ),
            *(
                StudentRecord(id=id_of("student", n), institution_id=root, person_id=id_of("person", n), number=str(n))
                for n in range(students)
            ),
        ]
    )
    await session.flush()
    session.add_all(
        Assessment(
            id=id_of("assessment", n),
            offering_id=MAIN,
            title=title,
            kind=kind,
            weight=Decimal(weight),
            due_on=on(due),
            max_score=Decimal(100),
        )
        for n, (title, kind, weight, due) in enumerate(ASSESSMENTS)
    )
    await session.flush()


async def write(session: Session, records: Records) -> None:
    """Write facts as the verbs of the application would leave them, and sum the activity."""
    await _insert(session, Enrollment, [_enrollment(history) for history in records.histories])
    changes = [row for history in records.histories for row in _changes(history)]
    await _insert(session, EnrollmentStatusChange, changes)
    await _insert(session, Result, [_result(work) for work in records.works])
    await _insert(session, ActivityDay, [_activity(use) for use in records.uses])
    await rebuild_learner_days(session, offerings=[id_of("offering", name) for name in OFFERINGS])


async def _insert(session: Session, model: type[Any], rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        await session.execute(insert(model), [dict(row) for row in rows])


def _enrollment(history: History) -> dict[str, object]:
    status, day = history.steps[-1] if history.steps else (ENROLLED, 0)
    enrolled = [day for step, day in history.steps if step is ENROLLED]
    return {
        "id": id_of("enrollment", history.offering, history.student),
        "offering_id": id_of("offering", history.offering),
        "student_id": id_of("student", history.student),
        "status": status,
        "enrolled_on": on(enrolled[-1]) if enrolled else None,
        "withdrawn_on": on(day) if status is WITHDRAWN else None,
        "outcome": history.outcome[0] if history.outcome else None,
        "outcome_on": on(history.outcome[1]) if history.outcome else None,
    }


def _changes(history: History) -> list[dict[str, object]]:
    return [
        {
            "id": id_of("change", history.offering, history.student, number),
            "enrollment_id": id_of("enrollment", history.offering, history.student),
            "offering_id": id_of("offering", history.offering),
            "status": status,
            "effective_on": on(day),
        }
        for number, (status, day) in enumerate(history.steps)
    ]


def _result(work: Work) -> dict[str, object]:
    return {
        "id": id_of("result", work.assessment, work.student),
        "assessment_id": id_of("assessment", work.assessment),
        "offering_id": MAIN,
        "max_score": Decimal(100),
        "student_id": id_of("student", work.student),
        "submitted_on": None if work.submitted is None else on(work.submitted),
        "marked_on": None if work.marked is None else on(work.marked),
        "score": None if work.score is None else Decimal(work.score),
        "carried_over": work.submitted is None,
    }


def _activity(use: Use) -> dict[str, object]:
    return {
        "context_id": MAIN,
        "actor_id": id_of("person", use.student),
        "day": on(use.day),
        "activity_id": id_of("site", use.site),
        "kind": SITES[use.site],
        "count": use.clicks,
    }
