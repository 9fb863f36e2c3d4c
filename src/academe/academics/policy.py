"""Who may do what in an offering: each permission as an answer about one offering and as a predicate for many.

Row-level security repeats these rules in the database (migration `keep_the_records_of_students`); a property test
holds the three answers equal.
"""

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true

from academe.academics.models import Offering
from academe.academics.types import StaffRole
from academe.identity.types import Role
from academe.platform.actor import Actor

TEACHING: Final = (StaffRole.LECTURER, StaffRole.CONVENOR, StaffRole.TUTOR)
"""Roles in an offering that teach it."""

REGISTERING: Final = (Role.REGISTRAR, Role.ADMINISTRATOR)
"""Roles at a node that keep the records of every offering below it."""

CARING: Final = (*REGISTERING, Role.ADVISOR, Role.AUDITOR)
"""Roles at a node that may read every roster below it."""


class Placed(Protocol):
    """What a permission needs to know of an offering: which it is and where in the organisation."""

    @property
    def id(self) -> UUID: ...
    @property
    def org_unit_id(self) -> UUID: ...


def can_read_roster(actor: Actor, offering: Placed) -> bool:
    """Whether the actor may see who is in the offering, and their attendance and results."""
    return _holds(actor, offering, in_offering=TEACHING, at_node=CARING)


def rosters_readable_by(actor: Actor) -> ColumnElement[bool]:
    """The offerings whose roster the actor may see."""
    return _held(actor, in_offering=TEACHING, at_node=CARING)


def can_take_attendance(actor: Actor, offering: Placed) -> bool:
    """Whether the actor may schedule meetings of the offering and record who came."""
    return _holds(actor, offering, in_offering=TEACHING, at_node=REGISTERING)


def attendance_takable_by(actor: Actor) -> ColumnElement[bool]:
    """The offerings whose attendance the actor may record."""
    return _held(actor, in_offering=TEACHING, at_node=REGISTERING)


def can_enrol(actor: Actor, offering: Placed) -> bool:
    """Whether the actor may enrol students into the offering, withdraw them, and import its roster."""
    return _holds(actor, offering, in_offering=(StaffRole.CONVENOR,), at_node=REGISTERING)


def enrollable_by(actor: Actor) -> ColumnElement[bool]:
    """The offerings whose enrolments the actor may change."""
    return _held(actor, in_offering=(StaffRole.CONVENOR,), at_node=REGISTERING)


def roles_to_appoint(actor: Actor, offering: Placed) -> Sequence[StaffRole]:
    """The roles that the actor may give and end in an offering: registrars each of them, its convenors tutors."""
    if _holds(actor, offering, in_offering=(), at_node=REGISTERING):
        return tuple(StaffRole)
    return (StaffRole.TUTOR,) if _holds(actor, offering, in_offering=(StaffRole.CONVENOR,), at_node=()) else ()


def _holds(actor: Actor, offering: Placed, *, in_offering: tuple[str, ...], at_node: tuple[str, ...]) -> bool:
    return (
        actor.is_system
        or offering.id in actor.offering_ids(*in_offering)
        or offering.org_unit_id in actor.org_unit_ids(*at_node)
    )


def _held(actor: Actor, *, in_offering: tuple[str, ...], at_node: tuple[str, ...]) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    return or_(
        Offering.id.in_(actor.offering_ids(*in_offering)),
        Offering.org_unit_id.in_(actor.org_unit_ids(*at_node)),
    )
