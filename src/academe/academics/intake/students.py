"""Student records, enrolments with their history, and results."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import polars as pl
from sqlalchemy import func, select, text

from academe.academics.facts import ResultsPublished
from academe.academics.intake.loading import Load, load
from academe.academics.models import Result
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded
from academe.platform.outbox.service import announce_all

NEWS: Final = timedelta(days=7)
"""How long ago a result may have been marked to be told as news."""

_STUDENTS: Final = Load(
    "student records",
    "staged_student",
    {"sourced_id": "text", "number": "text", "cohort": "text"},
    text(
        """
        WITH changed AS (
            INSERT INTO student_record AS r (id, institution_id, person_id, number, cohort)
            SELECT s.id, :institution, p.id, s.number, s.cohort
            FROM staged_student s
            LEFT JOIN person p ON p.institution_id = :institution AND p.sourced_id = s.sourced_id
            ORDER BY s.id
            ON CONFLICT (person_id) DO UPDATE SET number = excluded.number, cohort = excluded.cohort
            WHERE (r.number, r.cohort) IS DISTINCT FROM (excluded.number, excluded.cohort)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

# An attribute that this source leaves empty may come from another one, and stays.
_PROTECTED: Final = Load(
    "protected attributes",
    "staged_protected",
    {
        "number": "text",
        "gender": "text",
        "socioeconomic_status": "text",
        "special_education_status": "text",
        "age_band": "text",
        "region": "text",
    },
    text(
        """
        WITH said AS (
            SELECT r.id AS student_id, s.gender, s.socioeconomic_status, s.special_education_status, s.age_band,
                   s.region
            FROM staged_protected s
            LEFT JOIN student_record r ON r.institution_id = :institution AND r.number = s.number
        ), changed AS (
            INSERT INTO student_protected_attributes AS a (student_id, gender, socioeconomic_status,
                special_education_status, age_band, region)
            SELECT * FROM said ORDER BY student_id
            ON CONFLICT (student_id) DO UPDATE
            SET gender = coalesce(excluded.gender, a.gender),
                socioeconomic_status = coalesce(excluded.socioeconomic_status, a.socioeconomic_status),
                special_education_status = coalesce(excluded.special_education_status, a.special_education_status),
                age_band = coalesce(excluded.age_band, a.age_band),
                region = coalesce(excluded.region, a.region)
            WHERE (a.gender, a.socioeconomic_status, a.special_education_status, a.age_band, a.region) IS DISTINCT FROM
                  (coalesce(excluded.gender, a.gender),
                   coalesce(excluded.socioeconomic_status, a.socioeconomic_status),
                   coalesce(excluded.special_education_status, a.special_education_status),
                   coalesce(excluded.age_band, a.age_band), coalesce(excluded.region, a.region))
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

_ENROLMENTS: Final = Load(
    "enrolments",
    "staged_enrollment",
    {
        "unit_code": "text",
        "term_code": "text",
        "number": "text",
        "status": "text",
        "enrolled_on": "date",
        "withdrawn_on": "date",
        "previous_attempts": "smallint",
        "studied_credits": "smallint",
        "prior_education_level": "smallint",
        "outcome": "text",
        "outcome_on": "date",
    },
    text(
        """
        WITH changed AS (
            INSERT INTO enrollment AS e (id, offering_id, student_id, status, enrolled_on, withdrawn_on,
                previous_attempts, studied_credits, prior_education_level, outcome, outcome_on)
            SELECT s.id, o.id, r.id, s.status, s.enrolled_on, s.withdrawn_on, s.previous_attempts, s.studied_credits,
                   s.prior_education_level, s.outcome, s.outcome_on
            FROM staged_enrollment s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            LEFT JOIN offering o ON o.unit_id = u.id AND o.term_id = t.id
            LEFT JOIN student_record r ON r.institution_id = :institution AND r.number = s.number
            ORDER BY s.id
            ON CONFLICT (offering_id, student_id) DO UPDATE
            SET status = excluded.status, enrolled_on = excluded.enrolled_on, withdrawn_on = excluded.withdrawn_on,
                previous_attempts = excluded.previous_attempts, studied_credits = excluded.studied_credits,
                prior_education_level = excluded.prior_education_level,
                outcome = excluded.outcome, outcome_on = excluded.outcome_on
            WHERE (e.status, e.enrolled_on, e.withdrawn_on, e.previous_attempts, e.studied_credits,
                   e.prior_education_level, e.outcome, e.outcome_on) IS DISTINCT FROM
                  (excluded.status, excluded.enrolled_on, excluded.withdrawn_on, excluded.previous_attempts,
                   excluded.studied_credits, excluded.prior_education_level, excluded.outcome, excluded.outcome_on)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

# The history is append-only: what it says already is not said again, and nothing is taken back.
_HISTORY: Final = Load(
    "status changes",
    "staged_status_change",
    {
        "unit_code": "text",
        "term_code": "text",
        "number": "text",
        "status": "text",
        "effective_on": "date",
        "reason": "text",
    },
    text(
        """
        WITH said AS (
            SELECT s.id, e.id AS enrollment_id, o.id AS offering_id, s.status, s.effective_on, s.reason
            FROM staged_status_change s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            LEFT JOIN offering o ON o.unit_id = u.id AND o.term_id = t.id
            LEFT JOIN student_record r ON r.institution_id = :institution AND r.number = s.number
            LEFT JOIN enrollment e ON e.offering_id = o.id AND e.student_id = r.id
        ), changed AS (
            INSERT INTO enrollment_status_change (id, enrollment_id, offering_id, status, effective_on, reason)
            SELECT id, enrollment_id, offering_id, status, effective_on, reason FROM said
            WHERE NOT EXISTS (
                SELECT FROM enrollment_status_change c
                WHERE c.enrollment_id = said.enrollment_id AND c.status = said.status
                  AND c.effective_on = said.effective_on
            )
            ORDER BY id
            RETURNING id
        )
        SELECT count(*), 0 FROM changed
        """
    ),
)

_RESULTS: Final = Load(
    "results",
    "staged_result",
    {
        "unit_code": "text",
        "term_code": "text",
        "title": "text",
        "number": "text",
        "submitted_on": "date",
        "marked_on": "date",
        "score": "numeric(7,2)",
        "carried_over": "boolean",
    },
    text(
        """
        WITH changed AS (
            INSERT INTO result AS r (id, assessment_id, offering_id, max_score, student_id, submitted_on, marked_on,
                score, carried_over)
            SELECT s.id, a.id, a.offering_id, a.max_score, st.id, s.submitted_on, s.marked_on, s.score, s.carried_over
            FROM staged_result s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            LEFT JOIN offering o ON o.unit_id = u.id AND o.term_id = t.id
            LEFT JOIN assessment a ON a.offering_id = o.id AND a.title = s.title
            LEFT JOIN student_record st ON st.institution_id = :institution AND st.number = s.number
            ORDER BY s.id
            ON CONFLICT (assessment_id, student_id) DO UPDATE
            SET submitted_on = excluded.submitted_on, marked_on = excluded.marked_on, score = excluded.score,
                carried_over = excluded.carried_over
            WHERE (r.submitted_on, r.marked_on, r.score, r.carried_over) IS DISTINCT FROM
                  (excluded.submitted_on, excluded.marked_on, excluded.score, excluded.carried_over)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)


async def load_students(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `sourced_id` (of the person), `number`, `cohort`."""
    return await load(session, _STUDENTS, actor=actor, institution_id=institution_id, rows=rows)


async def load_protected_attributes(
    session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame
) -> Loaded:
    """Columns: `number`, `gender`, `socioeconomic_status`, `special_education_status`, `age_band`, `region`;
    an empty value takes nothing back.
    """
    return await load(session, _PROTECTED, actor=actor, institution_id=institution_id, rows=rows)


async def load_enrollments(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `number` and those of the enrolment, `status` to `outcome_on`."""
    return await load(session, _ENROLMENTS, actor=actor, institution_id=institution_id, rows=rows)


async def load_status_changes(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `number`, `status`, `effective_on`, `reason`, oldest first."""
    return await load(session, _HISTORY, actor=actor, institution_id=institution_id, rows=rows)


async def load_results(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `title` (of the assessment), `number`, `submitted_on`, `marked_on`, `score`
    (of 100), `carried_over`. What was marked in the last week is announced, assessment by assessment: older results are
    history that is brought in.
    """
    loaded = await load(session, _RESULTS, actor=actor, institution_id=institution_id, rows=rows)
    since = clock.now().date() - NEWS
    # Whatever this transaction has written carries its time.
    fresh = select(Result.assessment_id).where(Result.updated_at == func.now(), Result.marked_on >= since).distinct()
    await announce_all(session, [ResultsPublished(each, since) for each in await session.scalars(fresh)])
    return loaded
