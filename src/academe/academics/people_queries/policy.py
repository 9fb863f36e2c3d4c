"""Who keeps queries of people at a node: who keeps its records, registrars and administrators there or above.

Row-level security repeats this (migration `keep_queries_of_people`).
"""

from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, true

from academe.academics.people_queries.models import PeopleQuery
from academe.academics.policy import REGISTERING
from academe.identity.api import require
from academe.platform.actor import Actor

REGISTRARS_ONLY: Final = "Only those who keep the records of a part of the institution may ask for its people."


def keeps_queries(actor: Actor) -> bool:
    """Keep queries at all."""
    return actor.is_system or bool(actor.org_unit_ids(*REGISTERING))


def can_keep(actor: Actor, org_unit_id: UUID) -> bool:
    """Keep queries at a node."""
    return actor.is_system or org_unit_id in actor.org_unit_ids(*REGISTERING)


def kept_by(actor: Actor) -> ColumnElement[bool]:
    """The queries at nodes for which `can_keep` is true."""
    return true() if actor.is_system else PeopleQuery.org_unit_id.in_(sorted(actor.org_unit_ids(*REGISTERING)))


def require_keeping(actor: Actor) -> None:
    """Raise unless `keeps_queries`."""
    require(keeps_queries(actor), actor, REGISTRARS_ONLY)
