"""Units, terms, offerings and what belongs to an offering."""

from typing import Final
from uuid import UUID

import polars as pl
from sqlalchemy import text

from academe.academics.intake.loading import Load, load
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded

_UNITS: Final = Load(
    "units",
    "staged_unit",
    {"code": "text", "title": "text", "org_unit_id": "uuid"},
    text(
        """
        WITH changed AS (
            INSERT INTO unit (id, institution_id, org_unit_id, code, title)
            SELECT id, :institution, org_unit_id, code, title FROM staged_unit ORDER BY id
            ON CONFLICT (institution_id, code) DO NOTHING
            RETURNING id
        )
        SELECT count(*), 0 FROM changed
        """
    ),
)

# A term holds offerings of several imports, so it only ever grows.
_TERMS: Final = Load(
    "terms",
    "staged_term",
    {"code": "text", "title": "text", "starts_on": "date", "ends_on": "date"},
    text(
        """
        WITH changed AS (
            INSERT INTO term AS t (id, institution_id, code, title, starts_on, ends_on)
            SELECT id, :institution, code, title, starts_on, ends_on FROM staged_term ORDER BY id
            ON CONFLICT (institution_id, code) DO UPDATE
            SET starts_on = least(t.starts_on, excluded.starts_on), ends_on = greatest(t.ends_on, excluded.ends_on)
            WHERE excluded.starts_on < t.starts_on OR excluded.ends_on > t.ends_on
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

_OFFERINGS: Final = Load(
    "offerings",
    "staged_offering",
    {"unit_code": "text", "term_code": "text", "starts_on": "date", "ends_on": "date", "status": "text"},
    text(
        """
        WITH changed AS (
            INSERT INTO offering AS o (id, institution_id, unit_id, term_id, org_unit_id, starts_on, ends_on, status)
            SELECT s.id, :institution, u.id, t.id, u.org_unit_id, s.starts_on, s.ends_on, s.status
            FROM staged_offering s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            ORDER BY s.id
            ON CONFLICT (unit_id, term_id) DO UPDATE
            SET starts_on = excluded.starts_on, ends_on = excluded.ends_on, status = excluded.status
            WHERE (o.starts_on, o.ends_on, o.status) IS DISTINCT FROM
                  (excluded.starts_on, excluded.ends_on, excluded.status)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

_RESOURCES: Final = Load(
    "offering resources",
    "staged_resource",
    {
        "unit_code": "text",
        "term_code": "text",
        "sourced_id": "text",
        "kind": "text",
        "week_from": "smallint",
        "week_to": "smallint",
    },
    text(
        """
        WITH changed AS (
            INSERT INTO offering_resource AS r (id, offering_id, sourced_id, kind, week_from, week_to)
            SELECT s.id, o.id, s.sourced_id, s.kind, s.week_from, s.week_to
            FROM staged_resource s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            LEFT JOIN offering o ON o.unit_id = u.id AND o.term_id = t.id
            ORDER BY s.id
            ON CONFLICT (offering_id, sourced_id) DO UPDATE
            SET kind = excluded.kind, week_from = excluded.week_from, week_to = excluded.week_to
            WHERE (r.kind, r.week_from, r.week_to) IS DISTINCT FROM
                  (excluded.kind, excluded.week_from, excluded.week_to)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)

_ASSESSMENTS: Final = Load(
    "assessments",
    "staged_assessment",
    {
        "unit_code": "text",
        "term_code": "text",
        "sourced_id": "text",
        "title": "text",
        "kind": "text",
        "weight": "numeric(5,2)",
        "due_on": "date",
    },
    text(
        """
        WITH changed AS (
            INSERT INTO assessment AS a (id, offering_id, sourced_id, title, kind, weight, due_on)
            SELECT s.id, o.id, s.sourced_id, s.title, s.kind, s.weight, s.due_on
            FROM staged_assessment s
            LEFT JOIN unit u ON u.institution_id = :institution AND u.code = s.unit_code
            LEFT JOIN term t ON t.institution_id = :institution AND t.code = s.term_code
            LEFT JOIN offering o ON o.unit_id = u.id AND o.term_id = t.id
            ORDER BY s.id
            ON CONFLICT (offering_id, title) DO UPDATE
            SET sourced_id = excluded.sourced_id, kind = excluded.kind, weight = excluded.weight,
                due_on = excluded.due_on
            WHERE (a.sourced_id, a.kind, a.weight, a.due_on) IS DISTINCT FROM
                  (excluded.sourced_id, excluded.kind, excluded.weight, excluded.due_on)
            RETURNING (xmax = 0) AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM changed
        """
    ),
)


async def load_units(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `code`, `title`, `org_unit_id` (text of a UUID). Units that stand already stay as they are."""
    return await load(session, _UNITS, actor=actor, institution_id=institution_id, rows=rows)


async def load_terms(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `code`, `title`, `starts_on`, `ends_on`. A term that stands already is made longer, never shorter."""
    return await load(session, _TERMS, actor=actor, institution_id=institution_id, rows=rows)


async def load_offerings(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `starts_on`, `ends_on`, `status`; new ones lie at the node of their unit."""
    return await load(session, _OFFERINGS, actor=actor, institution_id=institution_id, rows=rows)


async def load_resources(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `sourced_id`, `kind`, `week_from`, `week_to`; known by their `sourced_id`."""
    return await load(session, _RESOURCES, actor=actor, institution_id=institution_id, rows=rows)


async def load_assessments(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Columns: `unit_code`, `term_code`, `sourced_id`, `title`, `kind`, `weight`, `due_on`; known by their `title`.

    The maximum score is 100.
    """
    return await load(session, _ASSESSMENTS, actor=actor, institution_id=institution_id, rows=rows)
