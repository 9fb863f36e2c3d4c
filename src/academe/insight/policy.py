"""Who may see whose risk: those who look after the students of an offering, and every student their own.

Risk is read with the roster: whoever may see the attendance and the results of a student may see what follows from
them. Row-level security repeats this in the database (migration `score_students_at_risk`).
"""

from typing import Final

from sqlalchemy import ColumnElement

from academe.academics.api import Placed, can_read_roster, rosters_readable_by
from academe.academics.types import StaffRole
from academe.identity.types import Role
from academe.platform.actor import Actor
from academe.platform.errors import AuthenticationRequiredError

READERS: Final = (
    StaffRole.LECTURER,
    StaffRole.CONVENOR,
    StaffRole.TUTOR,
    Role.ADVISOR,
    Role.REGISTRAR,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)
"""Roles whose holders have students to look after."""


def can_read_risk(actor: Actor, offering: Placed) -> bool:
    """Whether the actor may see the scores of the students in an offering, and what they are made of."""
    return can_read_roster(actor, offering)


def risk_readable_by(actor: Actor) -> ColumnElement[bool]:
    """The offerings whose scores the actor may see."""
    return rosters_readable_by(actor)


def can_read_models(actor: Actor) -> bool:
    """Whether the actor may read the cards of models: everybody who is signed in, students above all.

    A card holds nobody's data, and whoever is judged by a model may know how good it is.
    """
    return not actor.is_anonymous


def require_models(actor: Actor) -> None:
    """Raise AuthenticationRequiredError unless the actor may read the cards of models."""
    if not can_read_models(actor):
        raise AuthenticationRequiredError


def can_audit_fairness(actor: Actor) -> bool:
    """Whether the actor may see figures by group: those who may know the attributes that make the groups."""
    return actor.has_role(Role.REGISTRAR, Role.ADMINISTRATOR)
