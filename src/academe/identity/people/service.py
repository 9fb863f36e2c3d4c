"""Verbs of people: correcting who somebody is. Adding, deactivating and particulars are in `identity.service`."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.errors import PersonKnownError
from academe.identity.models import Person, PersonParticulars
from academe.identity.service import about, known_person
from academe.identity.sign_in.actors import forget_actors
from academe.platform.actor import Actor
from academe.platform.audit.service import record, record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError

LONGEST_NAME = 200
LONGEST_PART = 100
_LOCALE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_LOCAL_PATH: Final = re.compile(r"/([^/\\].{0,198})?")
_ZONES: Final = text(
    "SELECT name FROM pg_timezone_names WHERE name ~ '^[A-Z][A-Za-z]+/' AND name !~ '^(posix|Etc)/' ORDER BY name"
)
_ZONE_KNOWN: Final = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :zone)")


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


async def choose_preferred_name(session: Session, *, actor: Actor, preferred_name: str | None) -> None:
    """Say what one wants to be called oneself; None for the names as they are. Raises InvalidInputError."""
    policy.require(actor.person_id is not None, actor, "Only people have names.")
    wanted = _plain(preferred_name)
    if wanted is not None and len(wanted) > LONGEST_PART:
        message = f"Please write at most {LONGEST_PART} characters."
        raise InvalidInputError(errors=[FieldError("preferred_name", message)])
    person = await session.get_one(Person, actor.person_id)
    if person.preferred_name == wanted:
        return
    await session.execute(select(func.choose_preferred_name(wanted)))
    await session.refresh(person)
    record(
        session,
        actor=actor,
        action="person.renamed",
        subject=about(person),
        summary="Names changed: preferred name",
        changes={"fields": ["preferred_name"]},
    )


async def set_preferences(
    session: Session,
    *,
    actor: Actor,
    person_id: UUID,
    locale: str | None,
    time_zone: str | None,
    start_page: str | None,
) -> PersonParticulars:
    """Replace how a person wants Academe; by the person or by those who register people.

    `locale` is a language tag (BCP 47) of language, script and region, `time_zone` a name of the IANA database,
    `start_page` a path within Academe. Raises PersonNotFoundError and InvalidInputError.
    """
    person = await known_person(session, actor, person_id)
    permitted = person.id == actor.person_id or policy.can_register_people(actor, person.institution_id)
    policy.require(permitted, actor, "Only the person, registrars and administrators may change preferences.")
    faults = []
    if locale and not _LOCALE.fullmatch(locale):
        faults.append(FieldError("locale", "Please give a language such as en-GB or de."))
    if time_zone and not (await session.execute(_ZONE_KNOWN, {"zone": time_zone})).scalar_one():
        faults.append(FieldError("time_zone", "There is no time zone of this name; one is Europe/Berlin."))
    if start_page and not _LOCAL_PATH.fullmatch(start_page):
        faults.append(FieldError("start_page", "Please give a page of Academe, such as /offerings."))
    if faults:
        raise InvalidInputError(errors=faults)
    particulars = await session.get(PersonParticulars, person.id)
    if particulars is None:
        particulars = PersonParticulars(person_id=person.id)
        session.add(particulars)
    wanted = {"locale": locale or None, "time_zone": time_zone or None, "start_page": start_page or None}
    changed = [field for field, value in wanted.items() if getattr(particulars, field) != value]
    if changed:
        for field in changed:
            setattr(particulars, field, wanted[field])
        await session.flush()
        record(
            session,
            actor=actor,
            action="person.preferences_changed",
            subject=about(person),
            summary=f"Preferences changed: {', '.join(field.replace('_', ' ') for field in changed)}",
            changes={"fields": changed},
        )
    return particulars


async def time_zones(session: Session | ReadSession) -> Sequence[str]:
    """The time zones that the database knows, by name."""
    return ["UTC", *(await session.scalars(_ZONES))]


async def read_particulars(session: Session, *, actor: Actor, person: Person, purpose: str) -> PersonParticulars | None:
    """How somebody is reached and when they were born, for those who may see it; leaves an entry in the audit."""
    if person.id != actor.person_id and not policy.can_register_people(actor, person.institution_id):
        return None
    record_access(session, actor=actor, subject=about(person), purpose=purpose, action="person_particulars.read")
    return await session.get(PersonParticulars, person.id) or PersonParticulars(person_id=person.id)


def _plain(value: str | None) -> str | None:
    return " ".join(value.split()) or None if value is not None else None
