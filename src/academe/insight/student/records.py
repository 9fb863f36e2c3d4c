"""What was known about a student in an offering at the end of a day: nothing here reads a fact dated after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Assessment, Attendance, EnrollmentStatusChange, Meeting, Result, StudentRecord
from academe.academics.types import AssessmentKind, AttendanceStatus, EnrollmentStatus
from academe.insight.models import LearnerDay, RiskModel, RiskScore
from academe.insight.types import RiskBand
from academe.insight.weeks import SCORE_HOLDS
from academe.lrs.models import ActivityDay


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A score as one point in time."""

    as_of: date
    probability: float
    lower: float
    upper: float
    band: RiskBand


@dataclass(frozen=True, slots=True)
class FullScore:
    """A score with what it is made of and the model that made it."""

    point: ScorePoint
    factors: Sequence[dict[str, Any]]
    scored_at: datetime
    model_id: UUID
    model_name: str
    model_version: str
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """A day on which the student used the offering's materials."""

    day: date
    clicks: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A day of which tools outside have sent learning records: how many, and of what kinds of activity."""

    day: date
    count: int
    kinds: Sequence[str]


@dataclass(frozen=True, slots=True)
class Piece:
    """An assessment with the student's result as far as it was known; `score` only from the day it was marked."""

    assessment_id: UUID
    title: str
    kind: AssessmentKind
    weight: float
    due_on: date | None
    max_score: float
    submitted_on: date | None
    marked_on: date | None
    score: float | None
    carried_over: bool

    def is_missing(self, day: date) -> bool:
        """Whether it was due by the end of the day and was not handed in."""
        return self.due_on is not None and self.due_on <= day and self.submitted_on is None and not self.carried_over


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the student came to one meeting."""

    day: date
    title: str
    status: AttendanceStatus


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the enrolment's status."""

    day: date
    status: EnrollmentStatus


@dataclass(frozen=True, slots=True)
class Records:
    """Everything known of a student in an offering at the end of `as_of`, each in the order of its days."""

    as_of: date
    score: FullScore | None
    history: Sequence[ScorePoint]
    visits: Sequence[Visit]
    recorded: Sequence[Recorded]
    pieces: Sequence[Piece]
    attendance: Sequence[Presence]
    steps: Sequence[Step]

    @property
    def last_visit(self) -> date | None:
        """The last day with a visit."""
        return self.visits[-1].day if self.visits else None


async def records_of(
    session: AsyncSession, *, enrollment_id: UUID, student_id: UUID, offering_id: UUID, as_of: date
) -> Records:
    """Read the records of an enrolment that one of the functions of `access` has given."""
    history = await _history(session, enrollment_id, as_of)
    return Records(
        as_of=as_of,
        score=await _score(session, enrollment_id, as_of),
        history=history,
        visits=await _visits(session, enrollment_id, as_of),
        recorded=await _recorded(session, student_id, offering_id, as_of),
        pieces=await _pieces(session, student_id, offering_id, as_of),
        attendance=await _attendance(session, student_id, offering_id, as_of),
        steps=await _steps(session, enrollment_id, as_of),
    )


async def _history(session: AsyncSession, enrollment_id: UUID, as_of: date) -> Sequence[ScorePoint]:
    """One score for each scored day, of several models the one that scored last."""
    rows = await session.execute(
        select(RiskScore.as_of, RiskScore.probability, RiskScore.lower, RiskScore.upper, RiskScore.band)
        .ext(distinct_on(RiskScore.as_of))
        .where(RiskScore.enrollment_id == enrollment_id, RiskScore.as_of <= as_of)
        .order_by(RiskScore.as_of, RiskScore.scored_at.desc())
    )
    return [ScorePoint(*row) for row in rows]


async def _score(session: AsyncSession, enrollment_id: UUID, as_of: date) -> FullScore | None:
    row = (
        await session.execute(
            select(
                RiskScore.as_of, RiskScore.probability, RiskScore.lower, RiskScore.upper, RiskScore.band,
                RiskScore.factors, RiskScore.scored_at, RiskModel.id, RiskModel.name, RiskModel.version, RiskModel.card,
            )
            .join(RiskModel, RiskModel.id == RiskScore.model_id)
            .where(
                RiskScore.enrollment_id == enrollment_id,
                RiskScore.as_of > as_of - SCORE_HOLDS,
                RiskScore.as_of <= as_of,
            )
            .order_by(RiskScore.as_of.desc(), RiskScore.scored_at.desc())
            .limit(1)
        )
    ).one_or_none()  # fmt: skip
    return FullScore(ScorePoint(*row[:5]), *row[5:]) if row else None


async def _visits(session: AsyncSession, enrollment_id: UUID, as_of: date) -> Sequence[Visit]:
    rows = await session.execute(
        select(LearnerDay.day, LearnerDay.clicks)
        .where(LearnerDay.enrollment_id == enrollment_id, LearnerDay.day <= as_of)
        .order_by(LearnerDay.day)
    )
    return [Visit(*row) for row in rows]


async def _recorded(session: AsyncSession, student_id: UUID, offering_id: UUID, as_of: date) -> Sequence[Recorded]:
    rows = await session.execute(
        select(
            ActivityDay.day,
            func.sum(ActivityDay.count),
            func.array_agg(ActivityDay.kind.distinct()),
        )
        .join(StudentRecord, StudentRecord.person_id == ActivityDay.actor_id)
        .where(
            StudentRecord.id == student_id,
            ActivityDay.context_id == offering_id,
            ActivityDay.day <= as_of,
            ActivityDay.from_statements,
        )
        .group_by(ActivityDay.day)
        .order_by(ActivityDay.day)
    )
    return [Recorded(day, count, sorted(kinds)) for day, count, kinds in rows]


async def _pieces(session: AsyncSession, student_id: UUID, offering_id: UUID, as_of: date) -> Sequence[Piece]:
    """Every assessment; of its result what was handed in or marked by the day."""
    rows = await session.execute(
        select(Assessment, Result)
        .outerjoin(Result, and_(Result.assessment_id == Assessment.id, Result.student_id == student_id))
        .where(Assessment.offering_id == offering_id)
        .order_by(Assessment.due_on.asc().nulls_last(), Assessment.title)
    )
    return [_piece(assessment, result, as_of) for assessment, result in rows]


def _piece(assessment: Assessment, result: Result | None, as_of: date) -> Piece:
    submitted = result.submitted_on if result else None
    submitted = submitted if submitted and submitted <= as_of else None
    marked = result.marked_on if result else None
    marked = marked if marked and marked <= as_of else None
    score = result.score if result and (marked or result.carried_over) else None
    return Piece(
        assessment_id=assessment.id,
        title=assessment.title,
        kind=assessment.kind,
        weight=float(assessment.weight),
        due_on=assessment.due_on,
        max_score=float(assessment.max_score),
        submitted_on=submitted,
        marked_on=marked,
        score=float(score) if score is not None else None,
        carried_over=bool(result and result.carried_over),
    )


async def _attendance(session: AsyncSession, student_id: UUID, offering_id: UUID, as_of: date) -> Sequence[Presence]:
    rows = await session.execute(
        select(Attendance.date, Meeting.title, Attendance.status)
        .join(Meeting, Meeting.id == Attendance.meeting_id)
        .where(Attendance.student_id == student_id, Attendance.offering_id == offering_id, Attendance.date <= as_of)
        .order_by(Attendance.date, Meeting.starts_at)
    )
    return [Presence(*row) for row in rows]


async def _steps(session: AsyncSession, enrollment_id: UUID, as_of: date) -> Sequence[Step]:
    rows = await session.execute(
        select(EnrollmentStatusChange.effective_on, EnrollmentStatusChange.status)
        .where(EnrollmentStatusChange.enrollment_id == enrollment_id, EnrollmentStatusChange.effective_on <= as_of)
        .order_by(EnrollmentStatusChange.effective_on, EnrollmentStatusChange.recorded_at)
    )
    return [Step(*row) for row in rows]
