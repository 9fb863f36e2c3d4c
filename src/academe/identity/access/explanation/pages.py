"""The page that explains why somebody sees what they see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.access.explanation.queries import Reason, chain_to, reasons_of
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.people.queries import choices_of
from academe.identity.service import about, known_person
from academe.identity.types import ROLE_MEANINGS
from academe.platform.actor import Actor
from academe.platform.audit.service import record_access
from academe.platform.database.session import Session
from academe.platform.http.dependencies import SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import render

router = page_router("/people/{person_id}/access")

NOT_YOURS = "Only administrators and auditors see why somebody has access."


@dataclass(frozen=True, slots=True)
class AccessPage:
    """What gives a person access, and what admits them to somebody found by `search`."""

    person: Person
    reasons: Sequence[Reason]
    search: str
    found: Sequence[tuple[str, str, str]]
    other: Person | None
    chain: Sequence[Reason]

    def meaning(self, reason: Reason) -> str:
        """What a role lets its holder see and do, as its holder reads it."""
        return ROLE_MEANINGS.get(reason.role, "")


@dataclass(frozen=True, slots=True)
class AccessCard:
    """Where the explanation is."""

    person: Person


@router.get("")
async def show_access(
    request: Request,
    person_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    q: Annotated[str, Query(max_length=100)] = "",
    other: UUID | None = None,
) -> Response:
    """Why somebody sees what they see; leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    policy.require(_may(actor, person), actor, NOT_YOURS)
    record_access(session, actor=actor, subject=about(person), purpose="explaining what somebody may see")
    asked = await known_person(session, actor, other) if other else None
    page = AccessPage(
        person,
        await reasons_of(session, person),
        q,
        await choices_of(session, actor, q),
        asked,
        await chain_to(session, person, asked) if asked else (),
    )
    return render(request, "identity/access/explanation.html", page)


async def access_card(_session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The way to the explanation, for those who may read it."""
    return PersonCard("identity/access/access_card.html", AccessCard(person)) if _may(actor, person) else None


def _may(actor: Actor, person: Person) -> bool:
    auditing = actor.org_unit_ids("administrator", "auditor")
    return actor.is_system or person.id == actor.person_id or person.institution_id in auditing
