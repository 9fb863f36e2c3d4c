"""Whom announcements can address: an offering, a programme, a part of the organisation, whom a query finds.

Who teaches an offering addresses it; who keeps the records of a node (registrars, administrators) addresses what lies
there: its offerings, its programmes and everybody in it.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, select, true, union

from academe.academics.models import Enrollment, Offering, OfferingStaff, Program, StudentRecord, Term, Unit
from academe.academics.people_queries.models import PeopleQuery
from academe.academics.people_queries.policy import kept_by
from academe.academics.people_queries.queries import found_by
from academe.academics.people_queries.service import AUDIENCE
from academe.academics.policy import REGISTERING, attendance_takable_by
from academe.academics.queries import TAKING_PART, teaching_on
from academe.identity.api import in_force, subtree
from academe.identity.models import OrgUnit, RoleGrant
from academe.messaging.api import Audience
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session

MOST: Final = 300
"""Audiences of a kind in the list to choose from; the newest first, where there is an age."""


class _Source:
    """What the kinds share: a select of (id, label, institution) for what an actor may address."""

    kind: str
    words: str

    def addressable(self, actor: Actor) -> Select[*tuple[Any, ...]]:
        raise NotImplementedError

    def key(self) -> ColumnElement[UUID]:
        raise NotImplementedError

    async def offered_to(self, session: Session | ReadSession, actor: Actor) -> Sequence[Audience]:
        """The audiences that the actor may address."""
        rows = await session.execute(self.addressable(actor).limit(MOST))
        return [Audience(self.kind, id_, " ".join(words), institution) for id_, institution, *words in rows]

    async def find(self, session: Session | ReadSession, actor: Actor, audience_id: UUID) -> Audience | None:
        """One that the actor may address."""
        rows = await session.execute(self.addressable(actor).where(self.key() == audience_id))
        found = rows.one_or_none()
        return None if found is None else Audience(self.kind, found[0], " ".join(found[2:]), found[1])


class OfferingAudience(_Source):
    """Everybody in an offering: its students, and who teaches it."""

    kind = "offering"
    words = "Offering"

    def key(self) -> ColumnElement[UUID]:
        """The offering's id."""
        return Offering.id.expression

    def addressable(self, actor: Actor) -> Select[*tuple[Any, ...]]:
        """The offerings that the actor teaches or registers."""
        return (
            select(Offering.id, Offering.institution_id, Unit.code, Term.code)
            .join(Unit, Unit.id == Offering.unit_id)
            .join(Term, Term.id == Offering.term_id)
            .where(attendance_takable_by(actor))
            .order_by(Offering.starts_on.desc(), Unit.code, Offering.id)
        )

    def members(self, audience_id: UUID) -> Select[UUID]:
        """Its people now."""
        return select(_of_offerings(Offering.id == audience_id).subquery().c.person_id)


class ProgramAudience(_Source):
    """Everybody who studies in a programme."""

    kind = "programme"
    words = "Programme"

    def key(self) -> ColumnElement[UUID]:
        """The programme's id."""
        return Program.id.expression

    def addressable(self, actor: Actor) -> Select[*tuple[Any, ...]]:
        """The programmes of nodes whose records the actor keeps."""
        kept = Program.org_unit_id.in_(actor.org_unit_ids(*REGISTERING))
        return (
            select(Program.id, Program.institution_id, Program.code, Program.title)
            .where(true() if actor.is_system else kept)
            .order_by(Program.code, Program.id)
        )

    def members(self, audience_id: UUID) -> Select[UUID]:
        """Its students."""
        return select(StudentRecord.person_id).where(StudentRecord.program_id == audience_id)


class NodeAudience(_Source):
    """Everybody at a node of the organisation and below: who holds a role, who teaches and who studies there."""

    kind = "node"
    words = "Everybody in"

    def key(self) -> ColumnElement[UUID]:
        """The node's id."""
        return OrgUnit.id.expression

    def addressable(self, actor: Actor) -> Select[*tuple[Any, ...]]:
        """The nodes whose records the actor keeps."""
        kept = actor.org_unit_ids(*REGISTERING)
        allowed = true() if actor.is_system else OrgUnit.id.in_(kept) if kept else false()
        return (
            select(OrgUnit.id, OrgUnit.institution_id, OrgUnit.name).where(allowed).order_by(OrgUnit.name, OrgUnit.id)
        )

    def members(self, audience_id: UUID) -> Select[UUID]:
        """Its people now."""
        nodes = subtree(audience_id)
        holders = select(RoleGrant.person_id).where(RoleGrant.org_unit_id.in_(nodes), in_force(clock.now().date()))
        people = union(holders, _of_offerings(Offering.org_unit_id.in_(nodes))).subquery()
        return select(people.c.person_id)


def _of_offerings(condition: ColumnElement[bool]) -> Any:
    """Who studies in the offerings for which a condition holds, or teaches them; each once."""
    studying = (
        select(StudentRecord.person_id)
        .join(Enrollment, Enrollment.student_id == StudentRecord.id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .where(condition, Enrollment.status.in_(TAKING_PART))
    )
    teaching = (
        select(OfferingStaff.person_id)
        .join(Offering, Offering.id == OfferingStaff.offering_id)
        .where(condition, teaching_on(clock.now().date()))
    )
    return union(studying, teaching)


class QueryAudience(_Source):
    """Whom a kept query finds."""

    kind = AUDIENCE
    words = "Query"

    def key(self) -> ColumnElement[UUID]:
        """The query's id."""
        return PeopleQuery.id.expression

    def addressable(self, actor: Actor) -> Select[*tuple[Any, ...]]:
        """The queries at nodes whose records the actor keeps."""
        return (
            select(PeopleQuery.id, PeopleQuery.institution_id, PeopleQuery.name)
            .where(kept_by(actor), PeopleQuery.removed_at.is_(None))
            .order_by(PeopleQuery.name, PeopleQuery.id)
        )

    def members(self, audience_id: UUID) -> Select[UUID]:
        """Those whom it finds now."""
        return found_by(audience_id)


SOURCES: Final = (OfferingAudience(), ProgramAudience(), NodeAudience(), QueryAudience())
"""Every kind, in the order in which they are offered."""
