"""The button on the page about a person that begins a masquerade, and the one in the banner that ends it."""

from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.access.masquerade.service import administers, begin_masquerade, behind, end_masquerade
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.types import PersonStatus
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import redirect

router = page_router()


@dataclass(frozen=True, slots=True)
class MasqueradeCard:
    """Whom one may act as."""

    person: Person


@router.post("/people/{person_id}/masquerade")
async def begin(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Act as another person from now on."""
    person = await begin_masquerade(session, actor=actor, person_id=person_id)
    return redirect(request, "/", f"You act as {person.display_name}.")


@router.post("/masquerade/end")
async def end(request: Request, actor: SignedIn) -> Response:
    """Act as oneself again."""
    async with database_of(request).transaction(behind(actor)) as session:
        await end_masquerade(session, actor=behind(actor))
    back = f"/people/{actor.person_id}" if actor.masquerader_id else "/"
    return redirect(request, back, "You act as yourself again.")


async def masquerade_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """For administrators, about those whom they may act as."""
    permitted = policy.can_manage_accounts(actor, person.institution_id) and actor.session_id is not None
    if not permitted or person.id == actor.person_id or person.status is not PersonStatus.ACTIVE:
        return None
    if await administers(session, person.id):
        return None
    return PersonCard("identity/access/masquerade_card.html", MasqueradeCard(person))
