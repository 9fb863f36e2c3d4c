"""Somebody who runs the service at the first school and may see no records of its students."""

import pytest

from academe.identity.models import Person, RoleGrant
from academe.identity.queries import role_scopes
from academe.identity.types import Role
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from tests.schools import GRANTED_ON, TwoSchools, actor_of_person
from tests.support.transactions import as_actor


@pytest.fixture
async def operator(session: Session, two_schools: TwoSchools) -> Actor:
    """An operator of the whole first school."""
    institution = two_schools.home.institution.id
    async with as_actor(session, system_actor("hire an operator")):
        person = Person(institution_id=institution, display_name="Operator of home", sourced_id="operator")
        session.add(person)
        await session.flush()
        session.add(RoleGrant(person_id=person.id, org_unit_id=institution, role=Role.OPERATOR, starts_on=GRANTED_ON))
        await session.flush()
        return actor_of_person(person, await role_scopes(session, person.id))
