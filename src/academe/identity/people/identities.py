"""How providers of sign-ins know people: the card about somebody, and the lists for programs."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.service import known_person
from academe.identity.sign_in.queries import identities_of
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("", tag="identity")


class SignInIdentityOut(BaseModel):
    """A person as a provider of sign-ins knows them."""

    id: UUID
    auth_provider: str
    auth_provider_id: str
    created_at: datetime
    last_used_at: datetime | None


@router.get("/me/sign-in-identities")
async def list_own(actor: SignedIn, session: ReadOnlySession) -> list[SignInIdentityOut]:
    """How providers of sign-ins know the caller."""
    if actor.person_id is None:
        raise AuthenticationRequiredError
    found = await identities_of(session, actor.person_id)
    return [SignInIdentityOut.model_validate(known, from_attributes=True) for known in found]


@router.get("/people/{person_id}/sign-in-identities")
async def list_of_person(person_id: UUID, actor: SignedIn, session: WriteSession) -> list[SignInIdentityOut]:
    """How providers of sign-ins know somebody, for administrators; leaves an entry in the audit."""
    person = await known_person(session, actor, person_id)
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may see how people sign in.")
    _leave_entry(session, actor, person)
    found = await identities_of(session, person.id)
    return [SignInIdentityOut.model_validate(known, from_attributes=True) for known in found]


async def identities_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The card about somebody's sign-in identities, for administrators."""
    if not policy.can_manage_accounts(actor, person.institution_id):
        return None
    found = await identities_of(session, person.id)
    if not found:
        return None
    _leave_entry(session, actor, person)
    return PersonCard("identity/identities_card.html", found)


def _leave_entry(session: Session, actor: Actor, person: Person) -> None:
    subject = Subject("sign_in_identity", person.id, person.institution_id, person.id)
    record_access(session, actor=actor, subject=subject, purpose="managing accounts")
