"""Roles given and ended at nodes, as pages and programs meet them, and what the database then shows."""

from datetime import date, timedelta

import httpx
import pytest
from sqlalchemy import func, select

from academe.academics.models import Enrollment
from academe.identity.models import RoleGrant
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def grant_of(session: Session, school: School, who: str) -> RoleGrant:
    return (await session.scalars(select(RoleGrant).where(RoleGrant.person_id == school.people[who].id))).one()


async def enrollments_seen(session: Session, school: School, who: str) -> int:
    async with as_actor(session, school.actor(who)):
        return (await session.scalar(select(func.count()).select_from(Enrollment))) or 0


class TestAtTheDatabase:
    @pytest.mark.parametrize(
        ("first", "last", "sees"), [(-9, 0, True), (-9, -1, False), (1, 9, False), (0, None, True)]
    )
    async def test_a_grant_counts_on_its_days_alone(
        self, session: Session, home: School, first: int, last: int | None, sees: bool
    ) -> None:
        grant = await grant_of(session, home, "advisor")
        async with as_actor(session, system_actor("test")):
            today = clock.now().date()
            grant.starts_on = today + timedelta(days=first)
            grant.ends_on = None if last is None else today + timedelta(days=last)
            await session.flush()
        assert bool(await enrollments_seen(session, home, "advisor")) is sees


class TestPages:
    async def test_who_gives_roles(
        self, browser: httpx.AsyncClient, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await browser.get("/roles/add")).headers["location"].startswith("/sign-in")
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.get(f"/roles/add?node={home.department.id}")).status_code == 403
        body = {"person_id": str(home.people["colleague"].id), "org_unit_id": str(home.institution.id)}
        refused = await registrar.post("/roles/add", data=body | {"role": "administrator"})
        assert refused.status_code == 403
        # Nobody gives more than they have: a faculty's administrator gives nothing above it.
        faculty = await sign_in_as(home, "faculty_administrator")
        assert (await faculty.get(f"/roles/add?node={home.institution.id}")).status_code == 403
        refused = await faculty.post("/api/v1/roles", json=body | {"role": "administrator"}, headers=JSON)
        assert refused.status_code == 403
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.get(f"/roles/add?node={home.department.id}")).status_code == 404
        refused = await stranger.post("/api/v1/roles", json=body | {"role": "student"}, headers=JSON)
        assert refused.status_code == 403
        grant = await grant_of(session, home, "advisor")
        assert (await stranger.get(f"/roles/{grant.id}/end")).status_code == 404
        assert (await registrar.get(f"/roles/{grant.id}/end")).status_code == 403

    async def test_given_at_a_node_and_ended_on_the_page_of_the_person(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        client = await sign_in_as(home, "administrator")
        person = home.people["colleague"]
        found = await client.get(f"/roles/add?node={home.department.id}&q=colleague")
        assert str(person.id) in found.text
        body = {"node": str(home.department.id), "org_unit_id": str(home.department.id), "q": "colleague"}
        refused = await client.post("/roles/add", data=body)
        assert refused.status_code == 422
        assert str(person.id) in refused.text
        body |= {"person_id": str(person.id), "role": "advisor"}
        refused = await client.post("/roles/add", data=body | {"starts_on": "2026-12-02", "ends_on": "2026-12-01"})
        assert refused.status_code == 422
        assert "must not lie before the first" in refused.text
        refused = await client.post("/roles/add", data=body | {"role": "tutor"})
        assert refused.status_code == 422
        assert await enrollments_seen(session, home, "colleague") == 3
        given = await client.post("/roles/add", data=body)
        assert given.headers["location"] == f"/organisation/{home.department.id}"
        assert "Colleague of home" in (await client.get(given.headers["location"])).text
        assert (await client.post("/roles/add", data=body)).status_code == 409
        assert await enrollments_seen(session, home, "colleague") == 7
        page = await client.get(f"/people/{person.id}")
        assert "Department of Mathematics" in page.text
        assert "Administrator of home" in page.text  # who gave it
        grant = await grant_of(session, home, "colleague")
        assert grant.granted_by == home.people["administrator"].id
        assert (await client.get(f"/roles/{grant.id}/end")).status_code == 200
        assert (await client.post(f"/roles/{grant.id}/end", data={"last_day": "never"})).status_code == 422
        ended = await client.post(f"/roles/{grant.id}/end")
        assert ended.headers["location"] == f"/people/{person.id}"
        assert await enrollments_seen(session, home, "colleague") == 3
        actions = (await session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("role.%")))).all()
        assert sorted(actions) == ["role.ended", "role.granted"]

    async def test_nobody_gives_longer_than_they_have(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        own = await grant_of(session, home, "faculty_administrator")
        own.ends_on = date(2099, 6, 30)
        await session.flush()
        client = await sign_in_as(home, "faculty_administrator")
        body = {
            "person_id": str(home.people["colleague"].id),
            "org_unit_id": str(home.department.id),
            "role": "administrator",
        }
        for too_long in ({}, {"ends_on": "2099-07-01"}):
            refused = await client.post("/api/v1/roles", json=body | too_long, headers=JSON)
            assert refused.status_code == 422
            assert refused.json()["errors"][0]["field"] == "ends_on"
            assert "2099-06-30" in refused.text
        given = await client.post("/api/v1/roles", json=body | {"ends_on": "2099-06-30"}, headers=JSON)
        assert given.status_code == 201
        prolonged = await client.post(
            f"/api/v1/roles/{given.json()['id']}/end", json={"last_day": "2099-07-01"}, headers=JSON
        )
        assert prolonged.json()["errors"][0]["field"] == "last_day"

    async def test_the_last_administrator_stays(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        grant = await grant_of(session, home, "administrator")
        refused = await client.post(f"/roles/{grant.id}/end")
        assert refused.status_code == 409
        assert "last administrator" in refused.text


class TestPrograms:
    async def test_given_listed_and_ended(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        body = {
            "person_id": str(home.people["colleague"].id),
            "org_unit_id": str(home.faculty.id),
            "role": "auditor",
            "ends_on": "2099-12-31",
        }
        made = (await client.post("/api/v1/roles", json=body, headers=JSON)).json()
        assert (made["state"], made["given_by"]) == ("in force", "Administrator of home")
        listed = (await client.get(f"/api/v1/roles?org_unit_id={home.faculty.id}", headers=JSON)).json()["items"]
        assert {each["role"] for each in listed} == {"auditor", "administrator"}
        ended = await client.post(f"/api/v1/roles/{made['id']}/end", json={}, headers=JSON)
        assert ended.json()["state"] == "ended"
        mine = await (await sign_in_as(home, "advisor")).get("/api/v1/roles", headers=JSON)
        assert [each["role"] for each in mine.json()["items"]] == [Role.ADVISOR.value]
