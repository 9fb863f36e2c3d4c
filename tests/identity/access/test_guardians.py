"""Guardians: linked by those who keep records, let see by the student, and shown their own child alone."""

from datetime import date, timedelta

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from academe.academics.models import Attendance, Enrollment, Result, StudentRecord
from academe.identity.access.guardians.errors import GuardianKnownError, GuardianshipNotFoundError
from academe.identity.access.guardians.models import Guardianship
from academe.identity.access.guardians.service import consent, end_guardianship, link_guardian, refresh_consent
from academe.identity.models import Person, PersonParticulars
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from tests.identity.conftest import SignIn
from tests.schools import School, actor_of_person
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
SYSTEM = system_actor("test")
ALL = ("offerings", "attendance", "results")


async def born(session: Session, person: Person, years_ago: int, days: int = 0) -> None:
    """Let somebody have their birthday of so many years today, or some days later."""
    today = clock.now().date()
    day = date(today.year - years_ago, today.month, min(today.day, 28)) + timedelta(days=days)
    async with as_actor(session, SYSTEM):
        particulars = await session.get(PersonParticulars, person.id)
        if particulars is None:
            particulars = PersonParticulars(person_id=person.id)
            session.add(particulars)
        particulars.date_of_birth = day.isoformat()
        await session.flush()


async def a_guardian(session: Session, school: School, student: int = 0) -> tuple[Actor, Guardianship]:
    """A person without any role who looks after a student (20 years of age unless said otherwise)."""
    async with as_actor(session, SYSTEM):
        person = Person(institution_id=school.institution.id, display_name=f"Guardian of {school.name}")
        session.add(person)
        await session.flush()
    registrar = school.actor("registrar")
    async with as_actor(session, registrar):
        link = await link_guardian(
            session, actor=registrar, student_id=school.people[f"student{student}"].id, guardian_id=person.id
        )
        await session.finish()
    return actor_of_person(person, ()), link


async def seen(session: Session, guardian: Actor) -> dict[str, int]:
    """How many rows of the whole database the guardian sees."""
    async with as_actor(session, guardian):
        return {
            table.__tablename__: (await session.scalar(select(func.count()).select_from(table))) or 0
            for table in (Person, StudentRecord, Enrollment, Attendance, Result)
        }


NOTHING = {"person": 2, "student_record": 0, "enrollment": 0, "attendance": 0, "result": 0}
"""Without consent: oneself, and the child's name."""


class TestLink:
    async def test_only_those_who_keep_records(self, session: Session, home: School, away: School) -> None:
        for who in ("student0", "lecturer", "convenor", "advisor", "auditor", "faculty_administrator"):
            with pytest.raises(PermissionDeniedError):
                await link_guardian(
                    session,
                    actor=home.actor(who),
                    student_id=home.people[who].id,
                    guardian_id=home.people["colleague"].id,
                )
        with pytest.raises(InvalidInputError):
            await link_guardian(
                session, actor=SYSTEM, student_id=home.people["student0"].id, guardian_id=away.people["lecturer"].id
            )
        with pytest.raises(InvalidInputError):
            await link_guardian(
                session, actor=SYSTEM, student_id=home.people["student0"].id, guardian_id=home.people["student0"].id
            )

    async def test_once_at_a_time(self, session: Session, home: School) -> None:
        guardian, link = await a_guardian(session, home)
        assert guardian.person_id is not None
        with pytest.raises(GuardianKnownError):
            await link_guardian(session, actor=SYSTEM, student_id=link.student_id, guardian_id=guardian.person_id)


class TestConsent:
    async def test_nothing_without_it_and_only_what_it_covers(self, session: Session, home: School) -> None:
        guardian, link = await a_guardian(session, home)
        assert await seen(session, guardian) == NOTHING
        student = home.actor("student0")
        for other in (guardian, home.actor("registrar"), home.actor("administrator")):
            async with as_actor(session, other):
                with pytest.raises(PermissionDeniedError):
                    await consent(session, actor=other, guardianship_id=link.id, parts=ALL)
        with pytest.raises(GuardianshipNotFoundError):
            await consent(session, actor=home.actor("student1"), guardianship_id=link.id, parts=ALL)
        with pytest.raises(InvalidInputError):
            await consent(session, actor=student, guardianship_id=link.id, parts=["diary"])
        async with as_actor(session, student):
            await consent(session, actor=student, guardianship_id=link.id, parts=["attendance"])
        assert await seen(session, guardian) == NOTHING | {"student_record": 1, "attendance": 1}
        async with as_actor(session, student):
            await consent(session, actor=student, guardianship_id=link.id, parts=ALL)
        everything = {"person": 2, "student_record": 1, "enrollment": 1, "attendance": 1, "result": 1}
        assert await seen(session, guardian) == everything
        async with as_actor(session, student):
            await consent(session, actor=student, guardianship_id=link.id, parts=())
        assert await seen(session, guardian) == NOTHING

    async def test_the_database_takes_it_from_the_student_alone(self, session: Session, home: School) -> None:
        guardian, link = await a_guardian(session, home)
        give = text("UPDATE guardianship SET covers_results = true WHERE id = :id RETURNING id")
        for who in ("registrar", "administrator"):
            async with as_actor(session, home.actor(who)):
                with pytest.raises(DBAPIError, match="only the student consents"):
                    async with session.begin_nested():
                        await session.execute(give, {"id": link.id})
        async with as_actor(session, guardian):
            assert (await session.execute(give, {"id": link.id})).all() == []
        async with as_actor(session, home.actor("student0")):
            with pytest.raises(DBAPIError, match="consent alone"):
                async with session.begin_nested():
                    await session.execute(
                        text("UPDATE guardianship SET needs_consent = false WHERE id = :id"), {"id": link.id}
                    )

    async def test_a_minor_needs_none_until_of_age(self, session: Session, home: School) -> None:
        child = home.people["student1"]
        await born(session, child, 18, days=3)
        guardian, link = await a_guardian(session, home, 1)
        assert not link.needs_consent
        assert (await seen(session, guardian))["result"] == 1
        await born(session, child, 18, days=-40)
        async with as_actor(session, SYSTEM):
            assert await refresh_consent(session) == 1
        assert await seen(session, guardian) == NOTHING


class TestEnd:
    async def test_access_ends_with_it(self, session: Session, home: School) -> None:
        await born(session, home.people["student1"], 12)
        guardian, link = await a_guardian(session, home, 1)
        with pytest.raises(PermissionDeniedError):
            await end_guardianship(session, actor=guardian, guardianship_id=link.id)
        async with as_actor(session, home.actor("registrar")):
            await end_guardianship(session, actor=home.actor("registrar"), guardianship_id=link.id)
        assert await seen(session, guardian) == NOTHING | {"person": 1}


class TestHttp:
    async def test_linked_consented_and_seen(
        self, browser: httpx.AsyncClient, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        student = home.people["student0"].id
        assert (await browser.get("/my-children")).headers["location"].startswith("/sign-in")
        assert (await browser.get("/api/v1/me/children", headers=JSON)).status_code == 401
        stranger = await sign_in_as(away, "registrar")
        assert (await stranger.get(f"/people/{student}/guardians/add")).status_code == 404
        lecturer = await sign_in_as(home, "lecturer")
        assert (await lecturer.get(f"/people/{student}/guardians/add")).status_code == 403
        # The guardian is a student's relative; here another account of the school stands in.
        registrar = await sign_in_as(home, "registrar")
        href = f"/people/{student}/guardians/add"
        found = await registrar.get(f"{href}?q=10005")
        person = home.people["student5"].id
        assert str(person) in found.text
        assert (await registrar.post(href, data={"q": "10005"})).status_code == 422
        assert (await registrar.post(href, data={"guardian_id": str(person)})).status_code == 303
        assert (await registrar.post(href, data={"guardian_id": str(person)})).status_code == 409
        assert "Student 10005" in (await registrar.get(f"/people/{student}")).text
        guardian = await sign_in_as(home, "student5")
        assert "Student 10000" in (await guardian.get("/my-children")).text
        child = await guardian.get(f"/my-children/{student}")
        assert child.text.count("Not shared with you") == 3
        assert (await guardian.get(f"/my-children/{home.people['student1'].id}")).status_code == 404
        owner = await sign_in_as(home, "student0")
        link = (await owner.get("/api/v1/me/guardians", headers=JSON)).json()[0]
        assert "Student 10005" in (await owner.get("/account/guardians")).text
        assert (await guardian.post(f"/account/guardians/{link['id']}", data={"parts": "results"})).status_code == 403
        given = await owner.post(f"/account/guardians/{link['id']}", data={"parts": ["results", "offerings"]})
        assert given.status_code == 303
        child = await guardian.get(f"/my-children/{student}")
        assert child.text.count("Not shared with you") == 1
        assert "80 of 100" in child.text
        record = (await guardian.get(f"/api/v1/me/children/{student}", headers=JSON)).json()
        assert (len(record["offerings"]), len(record["attendance"]), len(record["results"])) == (1, 0, 1)
        entries = select(AuditEntry.purpose).where(AuditEntry.person_id == student, AuditEntry.kind == "read")
        assert "looking after a child as a guardian" in (await session.scalars(entries)).all()
        path = f"/api/v1/guardianships/{link['id']}"
        assert (await owner.put(f"{path}/consent", json={"parts": []}, headers=JSON)).status_code == 204
        assert (await guardian.delete(path, headers=JSON)).status_code == 403
        assert (await registrar.delete(path, headers=JSON)).status_code == 204
        assert (await guardian.get(f"/my-children/{student}")).status_code == 404
