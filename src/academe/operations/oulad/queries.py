"""What the activity of an offering needs to know about the rows that the import wrote before."""

from dataclasses import dataclass
from uuid import UUID

import polars as pl
from sqlalchemy import select

from academe.academics.models import Enrollment, Offering, OfferingResource, StudentRecord, Term, Unit
from academe.lrs.api import Activity
from academe.platform.database.session import Session


@dataclass(frozen=True, slots=True)
class Context:
    """An offering as the context of activity: its students and resources in the order of their ids.

    `people` says at which position a student stands (`id_student`, `actor`), `sites` the same of a site (`id_site`,
    `activity`).
    """

    offering_id: UUID
    actors: list[UUID]
    activities: list[Activity]
    people: pl.DataFrame
    sites: pl.DataFrame


async def context_of(session: Session, *, institution_id: UUID, unit_code: str, term_code: str) -> Context:
    """The context of one offering, which must exist."""
    offering_id = (
        await session.scalars(
            select(Offering.id)
            .join(Unit, Unit.id == Offering.unit_id)
            .join(Term, Term.id == Offering.term_id)
            .where(Offering.institution_id == institution_id, Unit.code == unit_code, Term.code == term_code)
        )
    ).one()
    students = (
        await session.execute(
            select(StudentRecord.person_id, StudentRecord.number)
            .join(Enrollment, Enrollment.student_id == StudentRecord.id)
            .where(Enrollment.offering_id == offering_id)
            .order_by(StudentRecord.person_id)
        )
    ).all()
    resources = (
        await session.execute(
            select(OfferingResource.id, OfferingResource.kind, OfferingResource.sourced_id)
            .where(OfferingResource.offering_id == offering_id, OfferingResource.sourced_id.is_not(None))
            .order_by(OfferingResource.id)
        )
    ).all()
    return Context(
        offering_id,
        [student.person_id for student in students],
        [Activity(resource.id, resource.kind) for resource in resources],
        _positions("id_student", "actor", [student.number for student in students]),
        _positions("id_site", "activity", [resource.sourced_id or "" for resource in resources]),
    )


def _positions(key: str, position: str, names: list[str]) -> pl.DataFrame:
    """Names that are no numbers belong to rows of another source, of which the log says nothing."""
    numbers = pl.Series(names, dtype=pl.String).cast(pl.Int32, strict=False)
    frame = pl.DataFrame({key: numbers, position: pl.int_range(len(names), dtype=pl.Int32, eager=True)})
    return frame.drop_nulls()
