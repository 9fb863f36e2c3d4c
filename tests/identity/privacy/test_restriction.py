"""Data that are kept and not used: who restricts, what is no longer seen, and that it is told and marked."""

import httpx
import pytest
from sqlalchemy import select

from academe.identity.facts import RestrictionChanged
from academe.identity.models import Person
from academe.insight.models import LearnerDay, RiskScore
from academe.lrs.models import ActivityDay
from academe.messaging.notices import tell_restriction_changed
from academe.messaging.notifications.models import Notification
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from academe.platform.outbox.models import OutboxMessage
from tests.identity.conftest import SignIn
from tests.matrix_rows import insight_rows
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
WHY = "The person contests that the marks are right"


async def restrict(client: httpx.AsyncClient, school: School, who: str, *, lift: bool = False) -> httpx.Response:
    path = f"/people/{school.people[who].id}/restriction" + ("/lift" if lift else "")
    return await client.post(path, data={"reason": WHY})


async def seen(session: Session, school: School, actor: Actor) -> set[str]:
    """The tables in which the actor sees rows about the first student."""
    student = school.students[0]
    about = {
        "activity": select(ActivityDay.actor_id).where(ActivityDay.actor_id == student.person_id),
        "scores": select(RiskScore.id).where(RiskScore.student_id == student.id),
        "days": select(LearnerDay.day).where(LearnerDay.enrollment_id == school.enrollment_of(0).id),
    }
    async with as_actor(session, actor):
        return {name for name, wanted in about.items() if (await session.execute(wanted.limit(1))).first()}


EVERYTHING = {"activity", "scores", "days"}


class TestRestricting:
    async def test_only_who_keeps_records_there(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await restrict(browser, home, "student0")).headers["location"].startswith("/sign-in")
        assert (await restrict(await sign_in_as(away, "registrar"), home, "student0")).status_code == 404
        for who in ("lecturer", "advisor", "auditor"):
            assert (await restrict(await sign_in_as(home, who), home, "student0")).status_code == 403

    async def test_nobody_sees_what_is_not_to_be_used(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await insight_rows(session, home)
        client = await sign_in_as(home, "registrar")
        for who in ("lecturer", "advisor", "registrar", "student0"):
            assert await seen(session, home, home.actor(who)) == EVERYTHING
        assert (await restrict(client, home, "student0")).status_code == 303
        for who in ("lecturer", "advisor", "registrar", "administrator", "auditor"):
            assert await seen(session, home, home.actor(who)) == set()
        assert await seen(session, home, home.actor("student0")) == EVERYTHING
        assert await seen(session, home, system_actor("packs copies")) == EVERYTHING
        assert (await restrict(client, home, "student0", lift=True)).status_code == 303
        assert await seen(session, home, home.actor("lecturer")) == EVERYTHING

    async def test_marked_told_and_remembered(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "registrar")
        person = home.people["student0"]
        assert (await client.post(f"/people/{person.id}/restriction", data={"reason": " "})).status_code == 422
        await restrict(client, home, "student0")
        facts = select(OutboxMessage.payload).where(OutboxMessage.kind == RestrictionChanged.KIND)
        assert (await session.scalars(facts)).one() == {"person_id": str(person.id), "restricted": True}
        await tell_restriction_changed(session, RestrictionChanged(person.id, restricted=True))
        told = (await session.scalars(select(Notification))).one()
        assert (told.person_id, told.title) == (person.id, "Your data are kept and not used")
        teacher = await sign_in_as(home, "lecturer")
        roster = await teacher.get(f"/offerings/{home.offering.id}/roster")
        assert roster.text.count("Restricted") == 1
        assert "kept and not used" in (await teacher.get(f"/students/{home.students[0].id}")).text
        assert "kept and not used" in (await teacher.get(f"/people/{person.id}")).text
        path = f"/api/v1/people/{person.id}/restrictions"
        assert (await client.post(path, headers=JSON, json={"reason": WHY})).status_code == 409
        assert (await client.post(f"{path}/lift", headers=JSON, json={"reason": "Settled"})).status_code == 200
        assert (await client.post(f"{path}/lift", headers=JSON, json={"reason": "Settled"})).status_code == 404
        history = (await client.get(path, headers=JSON)).json()
        assert [(each["reason"], each["lift_reason"]) for each in history] == [(WHY, "Settled")]
        own = await (await sign_in_as(home, "student0")).get(path, headers=JSON)
        assert own.json() == history

    async def test_the_directory_has_them_for_keepers_alone(self, home: School, sign_in_as: SignIn) -> None:
        registrar, teacher = await sign_in_as(home, "registrar"), await sign_in_as(home, "lecturer")
        await restrict(registrar, home, "student0")
        assert f"/people/{home.people['student0'].id}" not in (await teacher.get("/people?q=10000")).text
        assert "Restricted" in (await registrar.get("/people?q=10000")).text


class TestDirectory:
    async def test_a_student_leaves_and_comes_back(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        student, teacher = await sign_in_as(home, "student0"), await sign_in_as(home, "colleague")
        person = home.people["student0"]
        found = f"/people/{person.id}"
        assert found in (await teacher.get("/people?q=10000")).text
        assert (await student.post("/account/directory", data={"listed": "no"})).status_code == 303
        for search in ("q=10000", "q=Student", "q=Studnet", ""):
            assert found not in (await teacher.get(f"/people?{search}")).text
        items = (await teacher.get("/api/v1/people", headers=JSON)).json()["items"]
        assert str(person.id) not in {each["id"] for each in items}
        for who in ("registrar", "auditor", "administrator"):
            assert found in (await (await sign_in_as(home, who)).get("/people?q=10000")).text
        assert "Not in the directory" in (await (await sign_in_as(home, "registrar")).get(found)).text
        roster = await (await sign_in_as(home, "lecturer")).get(f"/offerings/{home.offering.id}/roster")
        assert "Student 10000" in roster.text, "who teaches a student has an interest that the law allows"
        back = await student.put("/api/v1/me/directory", headers=JSON, json={"listed": True})
        assert back.json() == {"listed": True}
        assert found in (await teacher.get("/people?q=10000")).text
        await session.refresh(person)
        assert person.is_unlisted is False

    async def test_a_page_is_not_cut_short_by_who_is_left_out(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        for number in (0, 2, 3):
            home.people[f"student{number}"].is_unlisted = True
        await session.flush()
        teacher = await sign_in_as(home, "colleague")
        names, following = [], "/api/v1/people?search=student&limit=1"
        while following:
            page = (await teacher.get(following, headers=JSON)).json()
            names += [each["name"] for each in page["items"]]
            cursor = page["next_cursor"]
            following = f"/api/v1/people?search=student&limit=1&cursor={cursor}" if cursor else ""
        assert names == ["Student 10001", "Student 10004", "Student 10005"]

    async def test_staff_stay_listed(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        teacher = await sign_in_as(home, "lecturer")
        assert (await teacher.post("/account/directory", data={"listed": "no"})).status_code == 403
        unlisted = select(Person.id).where(Person.is_unlisted)
        assert (await session.scalars(unlisted)).all() == []
