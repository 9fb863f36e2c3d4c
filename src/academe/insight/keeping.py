"""The classes of insight's records that rules of retention let go."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select

from academe.academics.models import Enrollment, Offering, StudentRecord
from academe.insight.models import LearnerDay
from academe.platform.retention import RecordClass


def _days(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    offerings = select(Offering.id).where(Offering.institution_id == institution_id)
    return and_(LearnerDay.day < before.date(), LearnerDay.offering_id.in_(offerings))


KEPT: Final = (
    RecordClass(
        "learner_days",
        "Days of learning",
        "How much a student did on a day, which scores are made of, from that day on.",
        LearnerDay,
        _days,
        select(StudentRecord.person_id)
        .join(Enrollment, Enrollment.student_id == StudentRecord.id)
        .where(Enrollment.id == LearnerDay.enrollment_id)
        .scalar_subquery(),
        shortest_days=365,
    ),
)
"""In the order in which pages list them."""
