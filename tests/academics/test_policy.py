"""Each permission twice, as an answer about one offering and as a predicate for many: they must never differ."""

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import ColumnElement, select, text

from academe.academics import policy
from academe.academics.models import Offering
from academe.academics.types import StaffRole
from academe.identity.types import Role
from academe.platform.actor import ANONYMOUS, Actor, ActorKind, RoleScope, system_actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

PAIRS: list[tuple[Callable[[Actor, policy.Placed], bool], Callable[[Actor], ColumnElement[bool]]]] = [
    (policy.can_read_roster, policy.rosters_readable_by),
    (policy.can_take_attendance, policy.attendance_takable_by),
    (policy.can_enrol, policy.enrollable_by),
]


@pytest.mark.parametrize(("can", "those"), PAIRS)
class TestBothForms:
    async def test_they_agree_for_every_role_everywhere_and_for_several(
        self,
        session: Session,
        two_schools: TwoSchools,
        can: Callable[[Actor, policy.Placed], bool],
        those: Callable[[Actor], ColumnElement[bool]],
    ) -> None:
        offerings = all_offerings(two_schools)
        scopes = all_scopes(two_schools)
        drawn = Random(20261121)
        several = [tuple(drawn.sample(scopes, drawn.randint(2, 4))) for _ in range(60)]
        for held in [(), *((scope,) for scope in scopes), *several]:
            actor = Actor(ActorKind.PERSON, "somebody", person_id=new_id(), scopes=held)
            found = set((await session.execute(select(Offering.id).where(those(actor)))).scalars())
            assert found == {offering.id for offering in offerings if can(actor, offering)}, held

    async def test_nobody_may_and_the_system_may(
        self,
        session: Session,
        two_schools: TwoSchools,
        can: Callable[[Actor, policy.Placed], bool],
        those: Callable[[Actor], ColumnElement[bool]],
    ) -> None:
        for actor, expected in ((ANONYMOUS, 0), (system_actor("test"), 4)):
            found = (await session.execute(select(Offering.id).where(those(actor)))).scalars().all()
            assert len(found) == expected
            assert can(actor, two_schools.home.offering) is bool(expected)


async def test_row_level_security_says_the_same(session: Session, two_schools: TwoSchools) -> None:
    """Whoever may see a roster sees enrolments of it, in either school, and nobody else does."""
    counted = text("SELECT DISTINCT offering_id FROM enrollment")
    offerings = all_offerings(two_schools)
    for who in ("lecturer", "convenor", "colleague", "advisor", "registrar", "administrator", "auditor"):
        actor = two_schools.home.actor(who)
        async with as_actor(session, actor):
            seen = set((await session.execute(counted)).scalars())
        assert seen == {offering.id for offering in offerings if policy.can_read_roster(actor, offering)}, who


def all_offerings(schools: TwoSchools) -> list[Offering]:
    return [
        offering for school in (schools.home, schools.away) for offering in (school.offering, school.other_offering)
    ]


def all_scopes(schools: TwoSchools) -> list[RoleScope]:
    """Every role in every offering and at every node of both schools."""
    nodes = [
        node
        for school in (schools.home, schools.away)
        for node in (school.institution, school.faculty, school.department, school.other_department)
    ]
    in_offerings = [
        RoleScope(role, offering.institution_id, offering_id=offering.id)
        for role in (*StaffRole, Role.REGISTRAR, Role.ADMINISTRATOR)
        for offering in all_offerings(schools)
    ]
    at_nodes = [RoleScope(role, node.institution_id, org_unit_id=node.id) for role in Role for node in nodes]
    return in_offerings + at_nodes
