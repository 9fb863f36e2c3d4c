"""What the log of clicks needs to know about the rows that the import wrote before."""

from dataclasses import dataclass
from uuid import UUID

import polars as pl
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Offering, OfferingResource, StudentRecord, Term, Unit
from academe.lrs.api import Activity
from academe.operations.oulad.layout import TAUGHT


@dataclass(frozen=True, slots=True)
class Known:
    """The students and sites of the source as actors and activities, in the order of their ids.

    `people` says at which position a student stands (`id_student`, `actor`), `sites` the same of a site (`id_site`,
    `activity`).
    """

    actors: list[UUID]
    activities: list[Activity]
    people: pl.DataFrame
    sites: pl.DataFrame


async def known_of(session: AsyncSession, *, institution_id: UUID, sites: pl.DataFrame) -> Known:
    """Everybody in the institution, and the resources that stand for `sites`, the rows of `vle.csv`."""
    students = (
        await session.execute(
            select(StudentRecord.person_id, StudentRecord.number)
            .where(StudentRecord.institution_id == institution_id)
            .order_by(StudentRecord.person_id)
        )
    ).all()
    resources = (
        await session.execute(
            select(
                Unit.code.label("unit"),
                Term.code.label("term"),
                OfferingResource.offering_id,
                OfferingResource.id,
                OfferingResource.kind,
                OfferingResource.sourced_id,
            )
            .join(Offering, Offering.id == OfferingResource.offering_id)
            .join(Unit, Unit.id == Offering.unit_id)
            .join(Term, Term.id == Offering.term_id)
            .where(Offering.institution_id == institution_id, OfferingResource.sourced_id.is_not(None))
            .order_by(OfferingResource.offering_id, OfferingResource.id)
        )
    ).all()
    taught = pl.DataFrame(
        [[resource.unit for resource in resources], [resource.term for resource in resources]],
        list(TAUGHT),
        orient="col",
    )
    found = _positions("id_site", "activity", [resource.sourced_id or "" for resource in resources], taught)
    return Known(
        [student.person_id for student in students],
        [Activity(resource.id, resource.kind, resource.offering_id) for resource in resources],
        _positions("id_student", "actor", [student.number for student in students], pl.DataFrame()),
        # Only where the site belongs: the same number in another offering is another source's.
        found.join(sites, on=["id_site", *TAUGHT], how="semi").select("id_site", "activity"),
    )


def _positions(key: str, position: str, names: list[str], beside: pl.DataFrame) -> pl.DataFrame:
    """Names that the source would write otherwise belong to rows of another source, of which the log says nothing."""
    written = pl.Series(names, dtype=pl.String)
    numbers = written.cast(pl.Int32, strict=False)
    frame = pl.DataFrame({key: numbers, position: pl.int_range(len(names), dtype=pl.Int32, eager=True)})
    return frame.hstack(beside).filter(numbers.cast(pl.String) == written)
