"""Verbs of people: correcting who somebody is. Adding, deactivating and particulars are in `identity.service`."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.errors import PersonKnownError
from academe.identity.models import Person, PersonParticulars
from academe.identity.service import about, known_person
from academe.identity.sign_in.actors import forget_actors
from academe.platform.actor import Actor
from academe.platform.audit.service import record, record_access
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

LONGEST_NAME = 200
LONGEST_PART = 100


@dataclass(frozen=True, slots=True)
class Names:
    """What a person is called. `sourced_id` is what another system calls them; empty parts are None."""

    display_name: str
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    preferred_name: str | None = None
    sourced_id: str | None = None


async def change_names(session: Session, *, actor: Actor, person_id: UUID, names: Names) -> Person:
    """Replace what a person is called, by those who register people.

    Raises PersonNotFoundError, InvalidInputError, and PersonKnownError when somebody else has the `sourced_id`.
    """
    person = await known_person(session, actor, person_id)
    permitted = policy.can_register_people(actor, person.institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may change names.")
    wanted = {field: _plain(value) for field, value in asdict(names).items()}
    if not wanted["display_name"]:
        raise InvalidInputError(errors=[FieldError("display_name", "Please give a name.")])
    changed = [field for field, value in wanted.items() if getattr(person, field) != value]
    if not changed:
        return person
    try:
        async with session.begin_nested():
            for field in changed:
                setattr(person, field, wanted[field])
    except IntegrityError as error:
        raise PersonKnownError from error
    # Which parts changed, and never what they were: the audit names nobody.
    record(
        session,
        actor=actor,
        action="person.renamed",
        subject=about(person),
        summary=f"Names changed: {', '.join(field.replace('_', ' ') for field in changed)}",
        changes={"fields": changed},
    )
    forget_actors(session)
    return person


async def read_particulars(session: Session, *, actor: Actor, person: Person, purpose: str) -> PersonParticulars | None:
    """How somebody is reached and when they were born, for those who may see it; leaves an entry in the audit."""
    if person.id != actor.person_id and not policy.can_register_people(actor, person.institution_id):
        return None
    record_access(session, actor=actor, subject=about(person), purpose=purpose, action="person_particulars.read")
    return await session.get(PersonParticulars, person.id) or PersonParticulars(person_id=person.id)


def _plain(value: str | None) -> str | None:
    return " ".join(value.split()) or None if value is not None else None
