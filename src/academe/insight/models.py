"""Tables of insight: the daily rollup features read, risk models with their cards, and risk scores."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.insight.types import ModelStatus, RiskBand
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of


class RiskModel(Identified, Timestamped, Base):
    """A trained and calibrated model with the card that says what it may be used for.

    `features` names the columns in the order the artifact expects. `card` holds the data, period, metrics and limits
    as validated by `insight.cards.ModelCard`. `artifact` is the model in the library's own format, `calibration` what
    turns its output into a probability.
    """

    __tablename__ = "risk_model"

    name: Mapped[str]
    version: Mapped[str]
    status: Mapped[ModelStatus] = mapped_column(Vocabulary(ModelStatus))
    trained_at: Mapped[datetime]
    features: Mapped[list[Any]] = mapped_column(JSONB)
    card: Mapped[dict[str, Any]] = mapped_column(JSONB)
    calibration: Mapped[dict[str, Any]] = mapped_column(JSONB)
    artifact: Mapped[bytes] = mapped_column(LargeBinary)
    artifact_sha256: Mapped[str]

    __table_args__ = (
        one_of("status", ModelStatus),
        UniqueConstraint("name", "version"),
        Index("uq_risk_model_active", "status", unique=True, postgresql_where=text("status = 'active'")),
    )


class RiskScore(Identified, Base):
    """The probability that an enrolment ends in fail or withdrawal, as of the end of a day; append-only.

    `lower` and `upper` bound it with the interval the model's card describes. `factors` are the largest contributions
    in log-odds with the feature values they come from; `features` is the whole snapshot, by name.
    """

    __tablename__ = "risk_score"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.id", ondelete="RESTRICT"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student_record.id", ondelete="RESTRICT"))
    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    model_id: Mapped[UUID] = mapped_column(ForeignKey("risk_model.id", ondelete="RESTRICT"), index=True)
    as_of: Mapped[date]
    scored_at: Mapped[datetime] = mapped_column(server_default=func.now())
    probability: Mapped[float] = mapped_column(Double)
    lower: Mapped[float] = mapped_column(Double)
    upper: Mapped[float] = mapped_column(Double)
    band: Mapped[RiskBand] = mapped_column(Vocabulary(RiskBand))
    factors: Mapped[list[Any]] = mapped_column(JSONB)
    features: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (
        one_of("band", RiskBand),
        UniqueConstraint("enrollment_id", "as_of", "model_id"),
        Index("ix_risk_score_student_id_scored_at", "student_id", "scored_at"),
        Index("ix_risk_score_offering_id_as_of", "offering_id", "as_of"),
        Index("ix_risk_score_band", "band"),
        CheckConstraint("probability BETWEEN 0 AND 1", name="probability_range"),
        CheckConstraint("lower BETWEEN 0 AND probability AND upper BETWEEN probability AND 1", name="interval_order"),
        {"info": {PEOPLE: True}},
    )


class LearnerDay(Base):
    """What one enrolment did on one day, summed from `activity_day`; features of any day are sums of these rows.

    `sites` are the different activities used that day and `new_sites` those never used before in the offering, so that
    "different activities used until a day" is a sum. `clicks` is the total, `content` to `together` its parts by kind
    of activity (see `insight.rollup.KIND_GROUPS`).
    """

    __tablename__ = "learner_day"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    clicks: Mapped[int] = mapped_column(Integer)
    sites: Mapped[int] = mapped_column(Integer)
    new_sites: Mapped[int] = mapped_column(Integer)
    content: Mapped[int] = mapped_column(Integer)
    resource: Mapped[int] = mapped_column(Integer)
    forum: Mapped[int] = mapped_column(Integer)
    quiz: Mapped[int] = mapped_column(Integer)
    page: Mapped[int] = mapped_column(Integer)
    homepage: Mapped[int] = mapped_column(Integer)
    together: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        Index("ix_learner_day_offering_id_day", "offering_id", "day"),
        CheckConstraint("clicks > 0 AND sites > 0", name="something_done"),
        {"info": {PEOPLE: True}},
    )
