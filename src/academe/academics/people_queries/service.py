"""Verbs of queries of people: keep one, remove one; and how many it finds."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from academe.academics.errors import PeopleQueryNotFoundError, PeopleQueryPartNotFoundError
from academe.academics.models import Program, Term
from academe.academics.people_queries.models import LONGEST_COHORT, LONGEST_NAME, MOST_ABSENCES, PeopleQuery
from academe.academics.people_queries.policy import can_keep, kept_by, require_keeping
from academe.academics.people_queries.queries import ShownQuery, found_by, queries, shown
from academe.identity.models import OrgUnit
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, FieldError, InvalidInputError

AUDIENCE = "query"
"""The kind of audience that a query is."""


@dataclass(frozen=True, slots=True)
class QueryWanted:
    """Whom somebody wants to find; what is left out narrows nothing."""

    name: str
    org_unit_id: UUID
    program_id: UUID | None = None
    term_id: UUID | None = None
    cohort: str | None = None
    absences: int | None = None


async def keep_query(session: Session, *, actor: Actor, wanted: QueryWanted) -> PeopleQuery:
    """Keep a query at a node.

    Raises PermissionDeniedError, InvalidInputError with every field that is wrong, and PeopleQueryPartNotFoundError.
    """
    require_keeping(actor)
    if actor.person_id is None:
        raise AuthenticationRequiredError
    name, cohort = " ".join(wanted.name.split()), " ".join((wanted.cohort or "").split())
    faults = []
    if not 1 <= len(name) <= LONGEST_NAME:
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters."))
    if len(cohort) > LONGEST_COHORT:
        faults.append(FieldError("cohort", f"Please write at most {LONGEST_COHORT} characters."))
    if wanted.absences is not None and not 1 <= wanted.absences <= MOST_ABSENCES:
        faults.append(FieldError("absences", f"Please give 1 to {MOST_ABSENCES:,}."))
    if faults:
        raise InvalidInputError(errors=faults)
    node = await _node(session, actor, wanted)
    query = PeopleQuery(
        institution_id=node.institution_id,
        org_unit_id=node.id,
        author_id=actor.person_id,
        name=name,
        program_id=wanted.program_id,
        term_id=wanted.term_id,
        cohort=cohort or None,
        absences=wanted.absences,
    )
    session.add(query)
    await session.flush()
    _record(session, actor, query.id, query.institution_id, "kept", "Query of people kept")
    return query


async def remove_query(session: Session, *, actor: Actor, query_id: UUID) -> None:
    """Remove one; announcements that are planned for it are still sent. Raises PeopleQueryNotFoundError."""
    found = await query_for(session, actor=actor, query_id=query_id)
    await session.execute(update(PeopleQuery).where(PeopleQuery.id == query_id).values(removed_at=clock.now()))
    _record(session, actor, query_id, found.institution_id, "removed", "Query of people removed")


async def query_for(session: Session | ReadSession, *, actor: Actor, query_id: UUID) -> ShownQuery:
    """One that the actor keeps; raises PeopleQueryNotFoundError and PermissionDeniedError."""
    require_keeping(actor)
    row = (await session.execute(queries(kept_by(actor)).where(PeopleQuery.id == query_id))).one_or_none()
    if row is None:
        raise PeopleQueryNotFoundError
    return shown(row)


async def count_found(session: Session | ReadSession, query_id: UUID) -> int:
    """How many people a query finds now, of those whose records the reader keeps."""
    return (await session.execute(select(func.count()).select_from(found_by(query_id).subquery()))).scalar_one()


async def _node(session: Session, actor: Actor, wanted: QueryWanted) -> OrgUnit:
    """The node, when what is asked for is the institution's; raises PeopleQueryPartNotFoundError with every fault."""
    node = await session.get(OrgUnit, wanted.org_unit_id) if can_keep(actor, wanted.org_unit_id) else None
    if node is None:
        words = "Please choose a part of the institution whose records you keep."
        raise PeopleQueryPartNotFoundError(errors=[FieldError("org_unit_id", words)])
    faults = []
    if wanted.program_id is not None:
        program = await session.get(Program, wanted.program_id)
        if program is None or program.institution_id != node.institution_id:
            faults.append(FieldError("program_id", "Please choose a programme of the institution."))
    if wanted.term_id is not None:
        term = await session.get(Term, wanted.term_id)
        if term is None or term.institution_id != node.institution_id:
            faults.append(FieldError("term_id", "Please choose a term of the institution."))
    if faults:
        raise PeopleQueryPartNotFoundError(errors=faults)
    return node


def _record(session: Session, actor: Actor, query_id: UUID, institution_id: UUID, action: str, summary: str) -> None:
    subject = Subject("people_query", query_id, institution_id)
    record(session, actor=actor, action=f"people_query.{action}", subject=subject, summary=summary)
