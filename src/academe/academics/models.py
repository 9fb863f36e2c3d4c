"""Tables of academics. The database holds the rules: vocabularies, ranges, uniqueness, and who may see a row."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    SmallInteger,
    UniqueConstraint,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from academe.academics.types import (
    AssessmentKind,
    AttendanceStatus,
    EnrollmentStatus,
    MeetingKind,
    OfferingStatus,
    Outcome,
    StaffRole,
)
from academe.identity.models import Person
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of

MARK = Numeric(7, 2)
"""Marks are decimal, never floating point: up to 99,999.99."""


class Program(Identified, Timestamped, Base):
    """A qualification a student is enrolled in."""

    __tablename__ = "program"

    org_unit_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    code: Mapped[str]
    title: Mapped[str]

    __table_args__ = (UniqueConstraint("institution_id", "code"),)


class Unit(Identified, Timestamped, Base):
    """A subject of the catalogue; `code` is unique in the institution."""

    __tablename__ = "unit"

    org_unit_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    code: Mapped[str]
    title: Mapped[str]
    convenor_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (UniqueConstraint("institution_id", "code"),)


class Term(Identified, Timestamped, Base):
    """A stretch of the academic year (OneRoster 1.2: academicSession), both days inclusive."""

    __tablename__ = "term"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    code: Mapped[str]
    title: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]

    __table_args__ = (
        UniqueConstraint("institution_id", "code"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
    )


class Offering(Identified, Timestamped, Base):
    """A unit taught in a term. Day n of an offering is `starts_on` + n; `ends_on` is its last day."""

    __tablename__ = "offering"

    unit_id: Mapped[UUID] = mapped_column(ForeignKey("unit.id", ondelete="RESTRICT"))
    term_id: Mapped[UUID] = mapped_column(ForeignKey("term.id", ondelete="RESTRICT"), index=True)
    org_unit_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    capacity: Mapped[int | None]
    status: Mapped[OfferingStatus] = mapped_column(Vocabulary(OfferingStatus), server_default="active")

    unit: Mapped[Unit] = relationship(lazy="raise")
    term: Mapped[Term] = relationship(lazy="raise")

    __table_args__ = (
        one_of("status", OfferingStatus),
        UniqueConstraint("unit_id", "term_id"),
        CheckConstraint("ends_on > starts_on", name="ends_after_start"),
        CheckConstraint("capacity > 0", name="capacity_positive"),
    )


class OfferingStaff(Identified, Timestamped, Base):
    """A person who teaches or convenes an offering: the role held in one offering, from `starts_on` to `ends_on`.

    Both days are inclusive, as in `RoleGrant`; `granted_by` is empty when Academe itself said so.
    """

    __tablename__ = "offering_staff"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    role: Mapped[StaffRole] = mapped_column(Vocabulary(StaffRole))
    starts_on: Mapped[date] = mapped_column(server_default=func.current_date())
    ends_on: Mapped[date | None]
    granted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        one_of("role", StaffRole),
        ExcludeConstraint(
            (column("offering_id"), "="),
            (column("person_id"), "="),
            (column("role"), "="),
            (text("daterange(starts_on, ends_on + 1)"), "&&"),
            name="ex_offering_staff_held_once",
        ),
        CheckConstraint("ends_on IS NULL OR ends_on >= starts_on - 1", name="ends_after_start"),
        {"info": {PEOPLE: True}},
    )


class OfferingResource(Identified, Timestamped, Base):
    """Something students use in an offering (a page, a file, a forum); its id is the activity id of the rollups.

    `kind` is the source system's word, lower case. `week_from` and `week_to` are the weeks it is planned for, 0 being
    the week the offering starts in.
    """

    __tablename__ = "offering_resource"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    sourced_id: Mapped[str | None]
    kind: Mapped[str]
    week_from: Mapped[int | None] = mapped_column(SmallInteger)
    week_to: Mapped[int | None] = mapped_column(SmallInteger)

    __table_args__ = (
        UniqueConstraint("offering_id", "sourced_id"),
        CheckConstraint("week_to >= week_from", name="weeks_in_order"),
    )


class StudentRecord(Identified, Timestamped, Base):
    """The student side of a person. `number` is unique in the institution and is what pages show."""

    __tablename__ = "student_record"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), unique=True)
    program_id: Mapped[UUID | None] = mapped_column(ForeignKey("program.id", ondelete="RESTRICT"), index=True)
    number: Mapped[str]
    cohort: Mapped[str | None]

    person: Mapped[Person] = relationship(lazy="raise")

    __table_args__ = (UniqueConstraint("institution_id", "number"), {"info": {PEOPLE: True}})


class StudentProtectedAttributes(Timestamped, Base):
    """Protected attributes of a student, for fairness audits and legal reporting only; never a feature of a model.

    Words are those of the source. Where sources give a value per term, the latest term's is kept.
    """

    __tablename__ = "student_protected_attributes"

    student_id: Mapped[UUID] = mapped_column(ForeignKey("student_record.id", ondelete="RESTRICT"), primary_key=True)
    gender: Mapped[str | None]
    ethnicity: Mapped[str | None]
    socioeconomic_status: Mapped[str | None]
    special_education_status: Mapped[str | None]
    english_learner_status: Mapped[str | None]
    age_band: Mapped[str | None]
    region: Mapped[str | None]

    __table_args__ = ({"info": {PEOPLE: True}},)


class Enrollment(Identified, Timestamped, Base):
    """A student in an offering, with its present status; every change is also an `EnrollmentStatusChange`.

    `enrolled_on` is empty where the source does not say. `withdrawn_on` is set exactly for withdrawn enrolments.
    `studied_credits` are the credits the student studies in all during the offering; `prior_education_level` is the
    highest level of education completed before enrolling (`types.EDUCATION_LEVELS`).
    """

    __tablename__ = "enrollment"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student_record.id", ondelete="RESTRICT"), index=True)
    status: Mapped[EnrollmentStatus] = mapped_column(Vocabulary(EnrollmentStatus))
    enrolled_on: Mapped[date | None]
    withdrawn_on: Mapped[date | None]
    previous_attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    studied_credits: Mapped[int | None] = mapped_column(SmallInteger)
    prior_education_level: Mapped[int | None] = mapped_column(SmallInteger)
    outcome: Mapped[Outcome | None] = mapped_column(Vocabulary(Outcome))
    outcome_on: Mapped[date | None]

    student: Mapped[StudentRecord] = relationship(lazy="raise")
    offering: Mapped[Offering] = relationship(lazy="raise")

    __table_args__ = (
        one_of("status", EnrollmentStatus),
        one_of("outcome", Outcome),
        UniqueConstraint("offering_id", "student_id"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_on IS NOT NULL)", name="withdrawn_has_day"),
        CheckConstraint("(outcome IS NULL) = (outcome_on IS NULL)", name="outcome_has_day"),
        CheckConstraint("previous_attempts >= 0", name="previous_attempts_not_negative"),
        CheckConstraint("studied_credits >= 0", name="studied_credits_not_negative"),
        CheckConstraint("prior_education_level BETWEEN 0 AND 8", name="prior_education_is_a_level"),
        {"info": {PEOPLE: True}},
    )


class EnrollmentStatusChange(Identified, Base):
    """One step in the history of an enrolment: append-only. `effective_on` is the day it holds from."""

    __tablename__ = "enrollment_status_change"

    enrollment_id: Mapped[UUID] = mapped_column(ForeignKey("enrollment.id", ondelete="RESTRICT"), index=True)
    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"), index=True)
    status: Mapped[EnrollmentStatus] = mapped_column(Vocabulary(EnrollmentStatus))
    effective_on: Mapped[date]
    reason: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (one_of("status", EnrollmentStatus), {"info": {PEOPLE: True}})


class Meeting(Identified, Timestamped, Base):
    """One scheduled class of an offering. `attendance_version` grows whenever a mark of it changes."""

    __tablename__ = "meeting"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    kind: Mapped[MeetingKind] = mapped_column(Vocabulary(MeetingKind))
    title: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    room: Mapped[str] = mapped_column(server_default="")
    attendance_version: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (
        one_of("kind", MeetingKind),
        UniqueConstraint("offering_id", "starts_at", "title"),
        UniqueConstraint("id", "offering_id", name="uq_meeting_id_offering_id"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )


class Attendance(Identified, Timestamped, Base):
    """Whether one student came to one meeting. `date` is the meeting's day in the institution's time zone."""

    __tablename__ = "attendance"

    meeting_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student_record.id", ondelete="RESTRICT"))
    date: Mapped[date]
    status: Mapped[AttendanceStatus] = mapped_column(Vocabulary(AttendanceStatus))
    minutes_late: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(server_default="")
    recorded_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        one_of("status", AttendanceStatus),
        # The offering is repeated for row-level security; this key keeps it equal to the meeting's.
        ForeignKeyConstraint(["meeting_id", "offering_id"], ["meeting.id", "meeting.offering_id"], ondelete="RESTRICT"),
        UniqueConstraint("meeting_id", "student_id"),
        Index("ix_attendance_student_id_date", "student_id", "date"),
        # A roster shows each student's share of the meetings of one offering.
        Index("ix_attendance_offering_id_student_id", "offering_id", "student_id"),
        CheckConstraint("(minutes_late IS NOT NULL) = (status = 'tardy')", name="minutes_late_when_tardy"),
        CheckConstraint("minutes_late BETWEEN 1 AND 600", name="minutes_late_range"),
        {"info": {PEOPLE: True}},
    )


class Assessment(Identified, Timestamped, Base):
    """A graded item of an offering. `weight` is its share of the final mark in percent; `due_on` may be unknown."""

    __tablename__ = "assessment"

    offering_id: Mapped[UUID] = mapped_column(ForeignKey("offering.id", ondelete="RESTRICT"))
    sourced_id: Mapped[str | None]
    title: Mapped[str]
    kind: Mapped[AssessmentKind] = mapped_column(Vocabulary(AssessmentKind))
    weight: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    due_on: Mapped[date | None]
    max_score: Mapped[Decimal] = mapped_column(MARK, server_default=text("100"))

    __table_args__ = (
        one_of("kind", AssessmentKind),
        UniqueConstraint("offering_id", "title"),
        UniqueConstraint("id", "offering_id", "max_score", name="uq_assessment_id_offering_id_max_score"),
        CheckConstraint("weight BETWEEN 0 AND 100", name="weight_range"),
        CheckConstraint("max_score > 0", name="max_score_positive"),
    )


class Result(Identified, Timestamped, Base):
    """One student's outcome on one assessment. Dates are the days the fact became known, both empty if carried over.

    `submitted_on` is known at once; `score` only from `marked_on`. `carried_over` marks a result of an earlier attempt,
    which is no work in this offering.
    """

    __tablename__ = "result"

    assessment_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    max_score: Mapped[Decimal] = mapped_column(MARK)
    student_id: Mapped[UUID] = mapped_column(ForeignKey("student_record.id", ondelete="RESTRICT"))
    submitted_on: Mapped[date | None]
    marked_on: Mapped[date | None]
    score: Mapped[Decimal | None] = mapped_column(MARK)
    carried_over: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        # Offering and maximum are repeated so that row-level security and the range of the score need no other table.
        ForeignKeyConstraint(
            ["assessment_id", "offering_id", "max_score"],
            ["assessment.id", "assessment.offering_id", "assessment.max_score"],
            onupdate="CASCADE",
            ondelete="RESTRICT",
        ),
        UniqueConstraint("assessment_id", "student_id"),
        Index("ix_result_student_id_offering_id", "student_id", "offering_id"),
        Index("ix_result_offering_id", "offering_id"),
        CheckConstraint("score >= 0 AND score <= max_score", name="score_range"),
        {"info": {PEOPLE: True}},
    )
