"""What admits a person, read from the same grants that the policies read; nothing here writes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.identity import policy
from academe.identity.access.grants.queries import ShownGrant, grants_of
from academe.identity.access.guardians.queries import ShownGuardianship, guardianships
from academe.identity.models import OrgUnit, Person
from academe.identity.queries import subtree
from academe.platform.database.session import ReadSession, Session


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that gives access: which role, where, since and until when, who gave it, and how far it reaches."""

    role: str
    where: str
    starts_on: date
    ends_on: date | None
    given_by: str | None
    reaches: str


ReasonSource = Callable[[Session | ReadSession, UUID, UUID | None], Awaitable[Sequence[Reason]]]
"""What another module knows to give access to the person of the first id, in general or to the second person."""

_sources: Final[dict[str, ReasonSource]] = {}


def add_reason_source(key: str, source: ReasonSource) -> None:
    """Register a source; for the composition root. The same key replaces."""
    _sources[key] = source


async def reasons_of(session: Session | ReadSession, person: Person) -> Sequence[Reason]:
    """Everything that gives somebody access today."""
    reasons = [await _of_grant(session, each) for each in await grants_of(session, person.id) if _counts(each)]
    reasons += [_of_link(each) for each in await guardianships(session, guardian_id=person.id)]
    for source in _sources.values():
        reasons += await source(session, person.id, None)
    return reasons


async def chain_to(session: Session | ReadSession, reader: Person, other: Person) -> Sequence[Reason]:
    """What admits a reader to another person, by name or further; empty when nothing does."""
    if reader.id == other.id:
        return [Reason("Oneself", "", date.min, None, None, "Everybody sees their own record.")]
    same = reader.institution_id == other.institution_id
    held = [each for each in await grants_of(session, reader.id) if same and _counts(each)]
    reasons = [await _of_grant(session, each) for each in held if each.role in policy.STAFF]
    links = await guardianships(session, guardian_id=reader.id, student_id=other.id)
    reasons += [_of_link(each) for each in links]
    for source in _sources.values():
        reasons += await source(session, reader.id, other.id)
    return reasons


def _counts(grant: ShownGrant) -> bool:
    return grant.state == "in force"


async def _of_grant(session: Session | ReadSession, grant: ShownGrant) -> Reason:
    below = await session.scalars(
        select(OrgUnit.name).where(OrgUnit.id.in_(subtree(grant.org_unit_id)), OrgUnit.id != grant.org_unit_id)
    )
    names = sorted(below.all())
    reaches = f"Counts there and in {', '.join(names)}." if names else "Counts there."
    return Reason(grant.role.value, grant.org_unit, grant.starts_on, grant.ends_on, grant.given_by, reaches)


def _of_link(link: ShownGuardianship) -> Reason:
    return Reason("guardian", link.student, link.starts_on, link.ends_on, None, f"Sees: {link.seen_words.lower()}.")
