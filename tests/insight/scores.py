"""Scores for the schools of the tests, as a model would leave them: nothing random, weeks 2 to 7 of the first offering.

`PROBABILITIES` gives each student's in week 7; each week before lies `RISE` lower or higher.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from academe.insight.cards import CalibrationBin, ModelCard, WeekMetrics
from academe.insight.models import RiskModel, RiskScore
from academe.insight.rollup import rebuild_learner_days
from academe.insight.types import ModelStatus, band_of
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.schools import STARTS_ON, School

WEEKS: Final = range(2, 8)
NOW: Final = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
"""Within week 7 of teaching: two days after its scores."""

PROBABILITIES: Final = (0.82, 0.55, 0.12, 0.31)
RISE: Final = (0.06, 0.01, -0.02, 0.0)


@dataclass(frozen=True)
class ScoredSchool:
    """A school with its model and its scores."""

    school: School
    model: RiskModel

    def score_of(self, student: int) -> float:
        return PROBABILITIES[student]


def day_of(week: int) -> date:
    return STARTS_ON + timedelta(days=7 * week)


def sample_card() -> ModelCard:
    return ModelCard(
        purpose="To help decide whom to ask first.",
        target="The enrolment ends in fail or withdrawal.",
        data="Activity, coursework and registration.",
        attribution="Made for tests.",
        trained_on=("MATH101 2025A",),
        first_day=date(2025, 9, 29),
        last_day=date(2026, 2, 6),
        enrollments=500,
        snapshots=5000,
        weeks=(2, 4, 8),
        trained_at=datetime(2026, 9, 1, tzinfo=UTC),
        algorithm="Trees",
        parameters={"depth": 6},
        libraries={"catboost": "1"},
        features=10,
        excluded=("gender", "age band"),
        assumptions=("A score counts from its marking day.",),
        evaluation="On later terms.",
        metrics=tuple(
            WeekMetrics(
                week=week,
                enrollments=400,
                base_rate=0.3,
                auc=0.7 + week / 100,
                brier=0.18,
                calibration_error=0.021,
                precision_top_tenth=0.8,
                recall_top_tenth=0.3,
            )
            for week in (2, 4, 8)
        ),
        calibration=tuple(
            CalibrationBin(predicted=share, observed=share + 0.02, count=50) for share in (0.1, 0.3, 0.5, 0.7, 0.9)
        ),
        interval="A 90 % interval.",
        limits=("It does not say why.",),
        command="academe risk train",
    )


def factors(probability: float) -> list[dict[str, Any]]:
    raising = probability >= 0.5
    return [
        {
            "theme": "visits",
            "label": "Visits",
            "contribution": 0.9 if raising else -0.7,
            "sentence": "Last visit 12 days before; visits on 2 of the last 14 days (middle of the class: 7).",
            "raises": raising,
        },
        {
            "theme": "handed_in",
            "label": "Coursework handed in",
            "contribution": 0.4 if raising else -0.3,
            "sentence": "1 of 2 pieces of coursework due not handed in.",
            "raises": raising,
        },
        {
            "theme": "stage",
            "label": "Stage of the offering",
            "contribution": 0.2,
            "sentence": "A third has passed.",
            "raises": True,
        },
        {"theme": "baseline", "label": "Where everyone starts", "contribution": -0.4, "sentence": "", "raises": False},
    ]


async def score_school(session: Session, school: School) -> ScoredSchool:
    """Score the first offering in the session's transaction, which must be the system's."""
    model = RiskModel(
        id=new_id(),
        name=f"risk-{school.name}",
        version="1",
        status=ModelStatus.RETIRED,
        trained_at=datetime(2026, 9, 1, tzinfo=UTC),
        features=[],
        card=sample_card().model_dump(mode="json"),
        calibration={},
        artifact=b"",
        artifact_sha256="0" * 64,
    )
    session.add(model)
    await session.flush()
    await rebuild_learner_days(session, offerings=[school.offering.id])
    for student, (last, rise) in enumerate(zip(PROBABILITIES, RISE, strict=True)):
        for week in WEEKS:
            probability = round(last - rise * (WEEKS[-1] - week), 4)
            session.add(
                RiskScore(
                    enrollment_id=school.enrollment_of(student).id,
                    student_id=school.students[student].id,
                    offering_id=school.offering.id,
                    model_id=model.id,
                    as_of=day_of(week),
                    probability=probability,
                    lower=max(probability - 0.1, 0),
                    upper=min(probability + 0.1, 1),
                    band=band_of(probability),
                    factors=factors(probability),
                    features={},
                )
            )
    await session.flush()
    return ScoredSchool(school, model)
