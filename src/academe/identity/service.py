"""Verbs of the organisation tree, of people and of roles. They flush, record what was done, and never commit."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.addresses import checked_address, checked_phone
from academe.identity.errors import (
    CodeInUseError,
    LastAdministratorError,
    MergeRefusedError,
    NodeClosedError,
    OrgUnitNotFoundError,
    PersonKnownError,
    PersonNotFoundError,
    RoleGrantNotFoundError,
    RoleHeldError,
)
from academe.identity.models import OrgUnit, Person, PersonParticulars, RoleGrant
from academe.identity.queries import administers_until, in_force
from academe.identity.sign_in.actors import forget_actors
from academe.identity.types import OrgUnitKind, PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.ids import new_id

LONGEST_CODE: Final = 40
LONGEST_NODE_NAME: Final = 200
_EARLIEST_BIRTH: Final = date(1900, 1, 1)


async def create_institution(
    session: Session, *, actor: Actor, code: str, name: str, data_attribution: str | None = None
) -> OrgUnit:
    """Make a new institution, the root of a tree of its own; only Academe itself does so."""
    policy.require(actor.is_system, actor, "Institutions are made by the operator of Academe.")
    root_id = new_id()
    institution = OrgUnit(
        id=root_id,
        institution_id=root_id,
        parent_id=None,
        kind=OrgUnitKind.INSTITUTION,
        code=code,
        name=name,
        data_attribution=data_attribution,
    )
    session.add(institution)
    await session.flush()
    record_node(session, actor, institution, "org_unit.created", f"Institution {code} made")
    return institution


async def create_org_unit(
    session: Session, *, actor: Actor, parent_id: UUID, kind: OrgUnitKind, code: str, name: str
) -> OrgUnit:
    """Add a faculty, department, school or campus below a node.

    Raises OrgUnitNotFoundError, InvalidInputError for a second institution in a tree or an empty or too long name,
    CodeInUseError and NodeClosedError.
    """
    policy.require(policy.can_administer(actor, parent_id), actor, "Only administrators may change the organisation.")
    parent = await session.get(OrgUnit, parent_id)
    if parent is None:
        raise OrgUnitNotFoundError
    if kind is OrgUnitKind.INSTITUTION:
        raise InvalidInputError(errors=[FieldError("kind", "An institution has no institution above it.")])
    if parent.closed_on is not None:
        raise NodeClosedError(f"{parent.code} is closed; nothing new is made below it.")
    code, name = checked_node_names(code, name)
    node = OrgUnit(institution_id=parent.institution_id, parent_id=parent.id, kind=kind, code=code, name=name)
    try:
        async with session.begin_nested():
            session.add(node)
    except IntegrityError as error:
        raise CodeInUseError(code) from error
    record_node(session, actor, node, "org_unit.created", f"{kind.value.capitalize()} {code} added")
    forget_actors(session)
    return node


async def create_person(
    session: Session,
    *,
    actor: Actor,
    institution_id: UUID,
    display_name: str,
    given_name: str | None = None,
    family_name: str | None = None,
    sourced_id: str | None = None,
) -> Person:
    """Make a person known to an institution. `sourced_id` is what another system calls them.

    Raises PersonKnownError when that identifier is known already, InvalidInputError for an empty or too long name.
    """
    permitted = policy.can_register_people(actor, institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may add people.")
    name = display_name.strip()
    if not 1 <= len(name) <= 200:
        raise InvalidInputError(errors=[FieldError("display_name", "Please give a name of 1 to 200 characters.")])
    person = Person(
        institution_id=institution_id,
        display_name=name,
        given_name=given_name,
        family_name=family_name,
        sourced_id=sourced_id,
    )
    try:
        async with session.begin_nested():
            session.add(person)
    except IntegrityError as error:
        raise PersonKnownError from error
    record(session, actor=actor, action="person.created", subject=about(person), summary="Person added")
    return person


async def set_particulars(
    session: Session,
    *,
    actor: Actor,
    person_id: UUID,
    contact_email: str | None,
    phone: str | None,
    date_of_birth: date | None,
) -> PersonParticulars:
    """Replace how a person is reached and when they were born; by the person or by those who register people.

    Empty ones are removed. Raises PersonNotFoundError and InvalidInputError.
    """
    person = await known_person(session, actor, person_id)
    permitted = person.id == actor.person_id or policy.can_register_people(actor, person.institution_id)
    policy.require(permitted, actor, "Only the person, registrars and administrators may change particulars.")
    particulars = await session.get(PersonParticulars, person.id)
    if particulars is None:
        particulars = PersonParticulars(person_id=person.id)
        session.add(particulars)
    if date_of_birth is not None and not _EARLIEST_BIRTH <= date_of_birth <= clock.now().date():
        raise InvalidInputError(errors=[FieldError("date_of_birth", "Please give a day from 1900 until today.")])
    particulars.contact_email = checked_address(contact_email, field="contact_email") if contact_email else None
    particulars.phone = checked_phone(phone) if phone else None
    particulars.date_of_birth = date_of_birth.isoformat() if date_of_birth else None
    await session.flush()
    record(
        session, actor=actor, action="person.particulars_changed", subject=about(person), summary="Particulars changed"
    )
    return particulars


async def set_person_status(session: Session, *, actor: Actor, person_id: UUID, status: PersonStatus) -> Person:
    """Deactivate a person, who then cannot sign in and keeps every record, or let them take part again."""
    person = await known_person(session, actor, person_id)
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may deactivate people.")
    if person.merged_into_id is not None:
        raise MergeRefusedError("This person was merged into another, and takes part as that one.")
    before = person.status
    person.status = status
    await session.flush()
    record(
        session,
        actor=actor,
        action="person.status_changed",
        subject=about(person),
        summary=f"Person {status.value}",
        changes={"status": [before.value, status.value]},
    )
    forget_actors(session)
    return person


async def grant_role(
    session: Session,
    *,
    actor: Actor,
    person_id: UUID,
    org_unit_id: UUID,
    role: Role,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> RoleGrant:
    """Let a person hold a role at a node and below, from `starts_on` (today) to `ends_on` (open), both inclusive.

    Raises PersonNotFoundError, OrgUnitNotFoundError, InvalidInputError when the node lies in another institution, the
    days are in the wrong order or the actor's own role ends before, RoleHeldError when the role is held there already
    in that time.
    """
    permitted = policy.can_administer(actor, org_unit_id)
    policy.require(permitted, actor, "Only administrators may grant roles, at their part of the organisation.")
    if role not in policy.roles_to_give(actor, org_unit_id):
        raise InvalidInputError(errors=[FieldError("role", "This role is given in an offering.")])
    person = await known_person(session, actor, person_id)
    node = await session.get(OrgUnit, org_unit_id)
    if node is None:
        raise OrgUnitNotFoundError
    if node.closed_on is not None:
        raise NodeClosedError(f"{node.code} is closed; no role is given there any more.")
    if node.institution_id != person.institution_id:
        raise InvalidInputError(errors=[FieldError("org_unit_id", "The person belongs to another institution.")])
    start = starts_on or clock.now().date()
    if ends_on is not None and ends_on < start:
        raise InvalidInputError(errors=[FieldError("ends_on", "The last day must not lie before the first.")])
    await _require_within_own_time(session, actor, node.id, ends_on, field="ends_on")
    grant = RoleGrant(person_id=person.id, org_unit_id=node.id, role=role, starts_on=start, ends_on=ends_on)
    grant.granted_by = actor.person_id
    try:
        async with session.begin_nested():
            session.add(grant)
    except IntegrityError as error:
        raise RoleHeldError("The person holds this role there already.") from error
    record(
        session,
        actor=actor,
        action="role.granted",
        subject=Subject("role_grant", grant.id, person.institution_id, person.id),
        summary=f"Role {role.value} granted at {node.code}",
        changes={"role": role, "org_unit_id": node.id, "starts_on": start, "ends_on": ends_on},
    )
    forget_actors(session)
    return grant


async def _require_within_own_time(
    session: Session, actor: Actor, org_unit_id: UUID, last_day: date | None, *, field: str
) -> None:
    """Nobody gives longer than they have: a deputy for a month makes nobody administrator for good."""
    if actor.person_id is None:
        return
    own = await administers_until(session, actor.person_id, org_unit_id)
    if own is not None and (last_day is None or last_day > own):
        raise InvalidInputError(errors=[FieldError(field, f"Your own role ends on {own}: choose that day or before.")])


async def end_role(session: Session, *, actor: Actor, grant_id: UUID, last_day: date | None = None) -> RoleGrant:
    """Let a role end on `last_day`; without it, yesterday was the last, so that it ends at once.

    Raises RoleGrantNotFoundError, LastAdministratorError, and InvalidInputError for a day after the actor's own role.
    """
    policy.require(not actor.is_anonymous, actor, "")
    grant = await session.get(RoleGrant, grant_id)
    if grant is None:
        raise RoleGrantNotFoundError
    permitted = policy.can_administer(actor, grant.org_unit_id)
    policy.require(permitted, actor, "Only administrators may end roles, at their part of the organisation.")
    node = await session.get_one(OrgUnit, grant.org_unit_id)
    if grant.role is Role.ADMINISTRATOR and node.parent_id is None:
        await _refuse_last_administrator(session, grant)
    if last_day is not None:
        await _require_within_own_time(session, actor, node.id, last_day, field="last_day")
    before = grant.ends_on
    yesterday = clock.now().date() - timedelta(days=1)
    grant.ends_on = max(last_day or yesterday, grant.starts_on - timedelta(days=1))
    await session.flush()
    record(
        session,
        actor=actor,
        action="role.ended",
        subject=Subject("role_grant", grant.id, node.institution_id, grant.person_id),
        summary=f"Role {grant.role.value} ended at {node.code}",
        changes={"ends_on": [before.isoformat() if before else None, grant.ends_on.isoformat()]},
    )
    forget_actors(session)
    return grant


async def known_person(session: Session | ReadSession, actor: Actor, person_id: UUID) -> Person:
    """A person whom the actor may know of; raises PersonNotFoundError."""
    policy.require(not actor.is_anonymous, actor, "")
    found = await session.execute(select(Person).where(Person.id == person_id, policy.known_to(actor)))
    person = found.scalar_one_or_none()
    if person is None:
        raise PersonNotFoundError
    return person


async def node_for(session: Session | ReadSession, *, actor: Actor, org_unit_id: UUID) -> OrgUnit:
    """A node that the actor may see; raises OrgUnitNotFoundError."""
    found = await session.execute(select(OrgUnit).where(OrgUnit.id == org_unit_id, policy.organisation_seen_by(actor)))
    node = found.scalar_one_or_none()
    if node is None:
        raise OrgUnitNotFoundError
    return node


def about(person: Person) -> Subject:
    """The subject of audit entries about a person."""
    return Subject("person", person.id, person.institution_id, person.id)


async def _refuse_last_administrator(session: Session, grant: RoleGrant) -> None:
    """Somebody else must administer the institution today and without an end."""
    # Two administrators who end each other's role at the same time must not both succeed.
    await session.execute(select(OrgUnit.id).where(OrgUnit.id == grant.org_unit_id).with_for_update())
    others = select(RoleGrant.id).where(
        RoleGrant.org_unit_id == grant.org_unit_id,
        RoleGrant.role == Role.ADMINISTRATOR,
        RoleGrant.id != grant.id,
        RoleGrant.ends_on.is_(None),
        in_force(clock.now().date()),
    )
    if not (await session.execute(select(exists(others)))).scalar_one():
        raise LastAdministratorError


def checked_node_names(code: str, name: str) -> tuple[str, str]:
    """Code and name of a node without blanks around them; raises InvalidInputError."""
    code, name = code.strip(), " ".join(name.split())
    faults = []
    if not 1 <= len(code) <= LONGEST_CODE:
        faults.append(FieldError("code", f"Please give a code of 1 to {LONGEST_CODE} characters."))
    if not 1 <= len(name) <= LONGEST_NODE_NAME:
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NODE_NAME} characters."))
    if faults:
        raise InvalidInputError(errors=faults)
    return code, name


def record_node(
    session: Session,
    actor: Actor,
    node: OrgUnit,
    action: str,
    summary: str,
    changes: Mapping[str, object] | None = None,
) -> None:
    """Leave an audit entry about a node."""
    subject = Subject("org_unit", node.id, node.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes)
