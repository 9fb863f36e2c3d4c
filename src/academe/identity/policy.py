"""Who may do what in identity: each permission as a boolean over loaded facts and, for lists, as a predicate.

Roles lie in the actor, where the resolver has put them at their node and at every node below. An institution's own node
is the root of its tree, so a role "of the institution" is one held there.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, true

from academe.identity.models import OrgUnit, Person
from academe.identity.types import AT_NODE, Role
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError, FieldError, InvalidInputError, PermissionDeniedError

REGISTERING = (Role.REGISTRAR, Role.ADMINISTRATOR)
"""Who keeps the institution's list of people."""

KEEPING = (*REGISTERING, Role.AUDITOR)
"""Who keeps or audits the records of everybody there."""

STAFF = (Role.LECTURER, Role.CONVENOR, Role.TUTOR, Role.ADVISOR, Role.REGISTRAR, Role.ADMINISTRATOR, Role.AUDITOR)
"""Whose work needs to know who the people of the institution are."""

STAFF_ONLY = "The directory is for the staff of the institution."
"""What whoever may not search it is told."""


def can_register_people(actor: Actor, institution_id: UUID) -> bool:
    """Make and correct the people of an institution: its registrars and administrators."""
    return actor.is_system or institution_id in actor.org_unit_ids(*REGISTERING)


def institutions_to_register(actor: Actor) -> Sequence[UUID]:
    """The institutions for which `can_register_people` is true, in a fixed order."""
    return sorted(
        {s.institution_id for s in actor.scopes if s.role in REGISTERING and s.org_unit_id == s.institution_id}
    )


def can_search_people(actor: Actor) -> bool:
    """Search the directory: whose work needs to know who the people of the institution are."""
    return actor.is_system or actor.has_role(*STAFF)


def can_manage_accounts(actor: Actor, institution_id: UUID) -> bool:
    """Make accounts for the people of an institution: its administrators."""
    return actor.is_system or institution_id in actor.org_unit_ids(Role.ADMINISTRATOR)


def institutions_to_administer(actor: Actor) -> Sequence[UUID]:
    """The institutions for which `can_manage_accounts` is true, in a fixed order."""
    administered = {s for s in actor.scopes if s.role == Role.ADMINISTRATOR and s.org_unit_id == s.institution_id}
    return sorted(scope.institution_id for scope in administered)


def institution_to_administer(actor: Actor, given: UUID | None, *, refusal: str) -> UUID:
    """The institution of something new: the one given, else the only one that the actor administers.

    Raises PermissionDeniedError with the `refusal` for those who do not administer it, InvalidInputError when it is not
    said and the actor administers several.
    """
    administered = institutions_to_administer(actor)
    require(actor.is_system or bool(administered), actor, refusal)
    if given is None and len(administered) != 1:
        raise InvalidInputError(errors=[FieldError("institution_id", "Please say for which institution.")])
    chosen = given or administered[0]
    require(can_manage_accounts(actor, chosen), actor, refusal)
    return chosen


def decides_sign_in(actor: Actor) -> bool:
    """Decide how the people of an institution sign in: its administrators."""
    return bool(institutions_to_administer(actor))


def can_administer(actor: Actor, org_unit_id: UUID) -> bool:
    """Grant and end roles at a node and divide it further: administrators there or above."""
    return actor.is_system or org_unit_id in actor.org_unit_ids(Role.ADMINISTRATOR)


def roles_to_give(actor: Actor, org_unit_id: UUID) -> Sequence[Role]:
    """The roles that the actor may give and end at a node; nobody gives more than they have.

    Administrators of a node may do there what any other role may, so they give each of them, there and below and
    nowhere above. Who teaches an offering is said there: convenors appoint its tutors (`academics`).
    """
    return AT_NODE if can_administer(actor, org_unit_id) else ()


def administrable_by(actor: Actor) -> ColumnElement[bool]:
    """The nodes for which `can_administer` is true."""
    if actor.is_system:
        return true()
    return OrgUnit.id.in_(actor.org_unit_ids(Role.ADMINISTRATOR))


def can_see_organisation(actor: Actor, institution_id: UUID) -> bool:
    """See how an institution is divided: its staff."""
    return actor.is_system or institution_id in institutions_of_staff(actor)


def organisation_seen_by(actor: Actor) -> ColumnElement[bool]:
    """The nodes of the institutions for which `can_see_organisation` is true."""
    return true() if actor.is_system else OrgUnit.institution_id.in_(institutions_of_staff(actor))


def can_know(actor: Actor, person: Person) -> bool:
    """Know that a person is there, by name: staff of the institution, and the person."""
    if actor.is_system or person.id == actor.person_id:
        return True
    return person.institution_id in institutions_of_staff(actor)


def known_to(actor: Actor) -> ColumnElement[bool]:
    """The people for whom `can_know` is true."""
    if actor.is_system:
        return true()
    return or_(Person.id == actor.person_id, Person.institution_id.in_(institutions_of_staff(actor)))


def listed_for(actor: Actor) -> ColumnElement[bool]:
    """The people whom the actor finds in the directory, of those for whom `can_know` is true.

    Whoever wants not to be listed, and whose data are not to be used, is found by those who keep or audit records.
    """
    if actor.is_system:
        return true()
    kept = {s.institution_id for s in actor.scopes if s.role in KEEPING and s.org_unit_id == s.institution_id}
    listed = and_(Person.is_unlisted.is_(False), Person.is_restricted.is_(False))
    return or_(listed, Person.id == actor.person_id, Person.institution_id.in_(sorted(kept)))


def require(permitted: bool, actor: Actor, sentence: str) -> None:
    """Raise unless permitted: nobody is asked to sign in, somebody is told what is missing."""
    if permitted:
        return
    if actor.is_anonymous:
        raise AuthenticationRequiredError
    raise PermissionDeniedError(sentence)


def institutions_of_staff(actor: Actor) -> frozenset[UUID]:
    """The institutions whose people the actor's work needs to know."""
    return frozenset(scope.institution_id for scope in actor.scopes if scope.role in STAFF)
