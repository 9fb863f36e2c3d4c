"""Erasure of a person: what goes in every module, what stays, and what a legal hold keeps from it."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import httpx
import pytest
from sqlalchemy import func, select

from academe.academics.models import (
    Attendance,
    Enrollment,
    OfferingStaff,
    Result,
    StudentProtectedAttributes,
    StudentRecord,
)
from academe.academics.types import StaffRole
from academe.identity.errors import PersonNotFoundError
from academe.identity.models import Account, Person, PersonParticulars
from academe.identity.people_merge.service import merge_people
from academe.identity.privacy.holds.errors import PersonHeldError
from academe.identity.privacy.holds.service import lift_hold, place_hold
from academe.lrs.keys import key_uuid
from academe.lrs.models import ActivityDay
from academe.lrs.rollup.models import XapiAgentLink
from academe.lrs.statements.models import XapiAgent
from academe.messaging.notifications.models import Notification
from academe.operations.erasure.models import Erasure
from academe.operations.erasure.service import erase_person
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.encryption.persons import is_key_destroyed
from academe.platform.errors import PermissionDeniedError
from academe.platform.jobs.models import Job
from tests.matrix_rows import messaging_rows, second_factor_rows
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

SignIn = Callable[[School, str], Awaitable[httpx.AsyncClient]]


async def counts(session: Session, school: School) -> list[int]:
    """How much can be counted about the first student."""
    student = school.students[0]
    wanted = (
        select(func.count()).select_from(Enrollment).where(Enrollment.student_id == student.id),
        select(func.count()).select_from(Attendance).where(Attendance.student_id == student.id),
        select(func.count()).select_from(Result).where(Result.student_id == student.id),
        select(func.count()).select_from(ActivityDay).where(ActivityDay.actor_id == student.person_id),
    )
    return [(await session.execute(statement)).scalar_one() for statement in wanted]


class TestErasePerson:
    async def test_only_keepers_erase_and_nobody_themself(
        self, database: JoinedDatabase, home: School, away: School
    ) -> None:
        person_id = home.people["student0"].id
        for who in ("lecturer", "advisor", "auditor"):
            with pytest.raises(PermissionDeniedError):
                await erase_person(database, actor=home.actor(who), person_id=person_id, reason="asked for")
        registrar = home.actor("registrar")
        with pytest.raises(PermissionDeniedError, match="themself"):
            await erase_person(database, actor=registrar, person_id=home.people["registrar"].id, reason="x")
        with pytest.raises(PersonNotFoundError):
            await erase_person(database, actor=away.actor("registrar"), person_id=person_id, reason="x")

    async def test_what_says_who_goes_and_what_counts_stays(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        for add in (messaging_rows, second_factor_rows):
            await add(session, home)
        student, person = home.students[0], home.people["student0"]
        key = "account:https://home.example.edu|student0"
        agent = key_uuid(key)
        session.add(XapiAgent(id=agent, key=key, object_type="Agent", names=["Ada"]))
        session.add(XapiAgentLink(agent_key=agent, actor_id=person.id))
        await session.flush()
        before = await counts(session, home)
        assert min(before) > 0

        await erase_person(database, actor=home.actor("registrar"), person_id=person.id, reason="asked for")

        session.expunge_all()
        async with as_actor(session, system_actor("test")):
            gone = await session.get_one(Person, person.id)
            assert (gone.display_name, gone.sourced_id, gone.status) == ("Erased person", None, "deactivated")
            account = (await session.scalars(select(Account).where(Account.person_id == person.id))).one()
            assert (account.email.endswith("@erased.invalid"), account.is_active) == (True, False)
            assert (await session.get_one(StudentRecord, student.id)).number.startswith("erased-")
            assert await session.get(PersonParticulars, person.id) is None
            assert await session.get(StudentProtectedAttributes, student.id) is None
            told = select(Notification).where(Notification.person_id == person.id)
            assert (await session.scalars(told)).all() == []
            known = select(XapiAgent.id).where(XapiAgent.id == agent)
            assert (await session.scalars(known)).all() == []
            assert await counts(session, home) == before
            assert await is_key_destroyed(session, person.id)
            assert (await session.scalars(select(Erasure.reason))).all() == ["asked for"]
            actions = select(AuditEntry.action).where(AuditEntry.person_id == person.id)
            assert {"erasure.begun", "person.erased"} <= set((await session.scalars(actions)).all())

    async def test_roles_in_offerings_end(self, session: Session, database: JoinedDatabase, home: School) -> None:
        lecturer = home.people["lecturer"].id
        later = OfferingStaff(
            offering_id=home.offering.id,
            person_id=lecturer,
            role=StaffRole.CONVENOR,
            starts_on=clock.now().date() + timedelta(days=30),
        )
        session.add(later)
        await session.flush()

        await erase_person(database, actor=home.actor("registrar"), person_id=lecturer, reason="asked for")

        session.expunge_all()
        async with as_actor(session, system_actor("test")):
            held = select(OfferingStaff).where(OfferingStaff.person_id == lecturer).order_by(OfferingStaff.starts_on)
            taught, coming = (await session.scalars(held)).all()
        assert taught.ends_on == clock.now().date() - timedelta(days=1)
        assert coming.ends_on == coming.starts_on - timedelta(days=1)

    async def test_a_second_time_changes_nothing(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        for _ in range(2):
            await erase_person(
                database, actor=home.actor("registrar"), person_id=home.people["student0"].id, reason="asked for"
            )
        assert len((await session.scalars(select(Erasure))).all()) == 1

    async def test_a_legal_hold_is_in_the_way_until_it_is_lifted(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        registrar, person_id = home.actor("registrar"), home.people["student0"].id
        async with as_actor(session, registrar):
            hold = await place_hold(session, actor=registrar, person_id=person_id, reason="Case 7")
        with pytest.raises(PersonHeldError):
            await erase_person(database, actor=registrar, person_id=person_id, reason="asked for")
        async with as_actor(session, registrar):
            await lift_hold(session, actor=registrar, hold_id=hold.id)
        await erase_person(database, actor=registrar, person_id=person_id, reason="asked for")
        assert len((await session.scalars(select(Erasure))).all()) == 1

    async def test_who_was_merged_into_the_person_goes_too_and_a_hold_is_in_the_way_of_merging(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        administrator, registrar = home.actor("administrator"), home.actor("registrar")
        person_id, other_id = home.people["student0"].id, home.people["auditor"].id
        async with as_actor(session, administrator):
            hold = await place_hold(session, actor=administrator, person_id=other_id, reason="Case 7")
            with pytest.raises(PersonHeldError):
                await merge_people(session, actor=administrator, survivor_id=person_id, merged_id=other_id)
            await lift_hold(session, actor=administrator, hold_id=hold.id)
            await merge_people(session, actor=administrator, survivor_id=person_id, merged_id=other_id)
        await erase_person(database, actor=registrar, person_id=person_id, reason="asked for")
        session.expunge_all()
        merged = await session.get_one(Person, other_id)
        assert (merged.display_name, merged.sourced_id) == ("Erased person", None)
        assert await is_key_destroyed(session, other_id)

    async def test_a_hold_that_is_over_is_not_in_the_way(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        registrar, person_id = home.actor("registrar"), home.people["student0"].id
        async with as_actor(session, registrar):
            hold = await place_hold(session, actor=registrar, person_id=person_id, reason="Case 7")
        hold.until = date(2020, 1, 1)
        await session.flush()
        await erase_person(database, actor=registrar, person_id=person_id, reason="asked for")


class TestPages:
    async def test_a_preview_a_wrong_name_and_a_job(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        person = home.people["student0"]
        registrar = await sign_in_as(home, "registrar")
        page = await registrar.get(f"/people/{person.id}")
        assert "See what would go" in page.text
        preview = await registrar.get(f"/people/{person.id}/erasure")
        assert preview.status_code == 200
        assert "Days of activity" in preview.text
        form = {"reason": "asked for", "confirmation": "Somebody else"}
        wrong = await registrar.post(f"/people/{person.id}/erasure", data=form)
        assert wrong.status_code == 422
        assert "Type the name as it is shown" in wrong.text
        asked = await registrar.post(f"/people/{person.id}/erasure", data=form | {"confirmation": person.display_name})
        assert asked.status_code == 303
        async with as_actor(session, system_actor("test")):
            job = (await session.scalars(select(Job).where(Job.kind == "operations.erasure"))).one()
        assert job.arguments["person_id"] == str(person.id)

    async def test_others_are_refused(self, home: School, sign_in_as: SignIn) -> None:
        lecturer = await sign_in_as(home, "lecturer")
        person_id = home.people["student0"].id
        assert "See what would go" not in (await lecturer.get(f"/people/{person_id}")).text
        assert (await lecturer.get(f"/people/{person_id}/erasure")).status_code == 403
        assert (await lecturer.post(f"/people/{person_id}/holds/add", data={"reason": "x"})).status_code == 403

    async def test_a_hold_is_placed_seen_and_lifted(self, home: School, sign_in_as: SignIn) -> None:
        person_id = home.people["student0"].id
        registrar = await sign_in_as(home, "registrar")
        empty = await registrar.post(f"/people/{person_id}/holds/add", data={"reason": ""})
        assert empty.status_code == 422
        placed = await registrar.post(
            f"/people/{person_id}/holds/add", data={"reason": "Case 7", "until": "2099-01-01"}
        )
        assert placed.status_code == 303
        assert "Case 7" in (await registrar.get(f"/people/{person_id}")).text
        assert "Nobody can erase" in (await registrar.get(f"/people/{person_id}/erasure")).text
        form = {"reason": "asked for", "confirmation": home.people["student0"].display_name}
        assert (await registrar.post(f"/people/{person_id}/erasure", data=form)).status_code == 409
        listed = (await registrar.get(f"/api/v1/people/{person_id}/holds")).json()
        assert [each["reason"] for each in listed] == ["Case 7"]
        auditor = await sign_in_as(home, "auditor")
        assert "Case 7" in (await auditor.get(f"/people/{person_id}")).text
        lifted = await registrar.post(f"/people/{person_id}/holds/{listed[0]['id']}/lift")
        assert lifted.status_code == 303
        assert (await registrar.get(f"/api/v1/people/{person_id}/holds")).json() == []
