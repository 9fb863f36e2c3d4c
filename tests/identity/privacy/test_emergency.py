"""Break-glass access: exactly one record, for an hour, with a reason, in sight of auditors and of the person."""

from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from academe.academics.models import Attendance, Enrollment, EnrollmentStatusChange, OfferingStaff, Result
from academe.identity.facts import RecordOpened
from academe.identity.models import EmergencyOpening, PersonParticulars
from academe.lrs.models import ActivityDay
from academe.messaging.notices import tell_record_opened
from academe.messaging.notifications.models import Notification
from academe.platform import clock
from academe.platform.database.session import Session
from academe.platform.outbox.models import OutboxMessage
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
REASON = "Found unconscious in the library"
BY_STUDENT = (Enrollment.student_id, Attendance.student_id, Result.student_id)


async def opened(session: Session, school: School, *, since: timedelta = timedelta()) -> EmergencyOpening:
    """The colleague, who teaches another offering, has opened the record of the first student."""
    at = clock.now() - since - timedelta(seconds=1)
    opening = EmergencyOpening(
        institution_id=school.institution.id,
        opened_by=school.people["colleague"].id,
        person_id=school.people["student0"].id,
        reason=REASON,
        opened_at=at,
        until=at + timedelta(hours=1),
    )
    session.add(opening)
    await session.flush()
    return opening


async def seen(session: Session, school: School, column: InstrumentedAttribute[object]) -> Sequence[object]:
    """What of the first offering the colleague sees, by the column that says whose it is."""
    async with as_actor(session, school.actor("colleague")):
        return (await session.scalars(select(column).distinct())).all()


async def open_by_form(client: httpx.AsyncClient, school: School, who: str, reason: str = REASON) -> httpx.Response:
    return await client.post(f"/people/{school.people[who].id}/emergency", data={"reason": reason})


class TestOpening:
    async def test_only_staff_who_work_with_people_there(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await open_by_form(browser, home, "student0")).headers["location"].startswith("/sign-in")
        assert (await open_by_form(await sign_in_as(home, "auditor"), home, "student0")).status_code == 403
        assert (await open_by_form(await sign_in_as(home, "student1"), home, "student0")).status_code == 404
        assert (await open_by_form(await sign_in_as(away, "lecturer"), home, "student0")).status_code == 404

    async def test_it_takes_a_reason_and_a_need(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "colleague")
        short = await open_by_form(client, home, "student0", "because")
        assert short.status_code == 422
        assert "10 to 1,000 characters" in short.text
        path = f"/api/v1/people/{home.people['student0'].id}/emergency-openings"
        assert (await client.post(path, headers=JSON, json={"reason": REASON})).status_code == 201
        assert (await client.post(path, headers=JSON, json={"reason": REASON})).status_code == 409
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.post(path, headers=JSON, json={"reason": REASON})).status_code == 409

    async def test_the_database_keeps_the_hour_and_the_name(self, session: Session, home: School) -> None:
        now = await session.scalar(select(func.now()))
        assert now is not None
        values = {
            "institution_id": home.institution.id,
            "person_id": home.people["student0"].id,
            "reason": REASON,
            "opened_by": home.people["colleague"].id,
        }
        wrong = (
            {"until": now + timedelta(hours=2)},
            {"opened_at": now + timedelta(days=1), "until": now + timedelta(days=1, minutes=5)},
            {"opened_by": home.people["lecturer"].id},
            {"institution_id": home.department.id},
        )
        for change in wrong:
            async with as_actor(session, home.actor("colleague")):
                with pytest.raises(DBAPIError):
                    async with session.begin_nested():
                        session.add(EmergencyOpening(**values | change))


class TestReading:
    async def test_exactly_this_record_while_it_is_open(self, session: Session, home: School) -> None:
        student, other = home.students[0], home.students[3]
        before = {column: await seen(session, home, column) for column in BY_STUDENT}
        assert all(student.id not in found for found in before.values())
        opening = await opened(session, home)
        for column in BY_STUDENT:
            assert set(await seen(session, home, column)) == {*before[column], student.id}
        assert home.enrollment_of(0).id in await seen(session, home, EnrollmentStatusChange.enrollment_id)
        assert set(await seen(session, home, ActivityDay.actor_id)) == {student.person_id}
        assert list(await seen(session, home, PersonParticulars.person_id)) == [student.person_id]
        assert home.enrollment_of(3).id not in await seen(session, home, Enrollment.id)
        assert other.id in before[Enrollment.student_id], "the colleague teaches this one in the other offering"

        opening.closed_at = clock.now()
        await session.flush()
        for column in BY_STUDENT:
            assert set(await seen(session, home, column)) == set(before[column])

    async def test_not_after_the_hour(self, session: Session, home: School) -> None:
        await opened(session, home, since=timedelta(minutes=60))
        assert home.students[0].id not in await seen(session, home, Enrollment.student_id)

    async def test_not_by_who_is_no_longer_staff(self, session: Session, home: School) -> None:
        await opened(session, home)
        teaching = select(OfferingStaff).where(OfferingStaff.person_id == home.people["colleague"].id)
        await session.delete((await session.scalars(teaching)).one())
        await session.flush()
        assert list(await seen(session, home, Enrollment.student_id)) == []

    async def test_the_page_has_the_record_under_a_banner(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "colleague")
        person = home.people["student0"]
        page = f"/people/{person.id}/record"
        assert (await client.get(page)).status_code == 403
        assert "Open the record" in (await client.get(f"/people/{person.id}")).text
        assert (await open_by_form(client, home, "student0")).headers["location"] == page
        shown = await client.get(page)
        assert shown.status_code == 200
        for part in ("first@home.example", "MATH101", "Lecture 1", "80 of 100"):
            assert part in shown.text
        elsewhere = await client.get("/offerings")
        assert f"Emergency access to {person.display_name}" in elsewhere.text
        document = (await client.get(f"/api/v1{page}", headers=JSON)).json()
        assert document["particulars"]["contact_email"] == "first@home.example"

        end = elsewhere.text.split("/emergency-access/")[1].split("/close")[0]
        assert (await client.post(f"/emergency-access/{end}/close")).status_code == 303
        assert (await client.get(page)).status_code == 403
        assert "Emergency access to" not in (await client.get("/offerings")).text


class TestAuditing:
    async def test_auditors_are_told_and_review(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        opener = await sign_in_as(home, "colleague")
        await open_by_form(opener, home, "student0")
        opening = (await session.scalars(select(EmergencyOpening))).one()
        facts = select(OutboxMessage.payload).where(OutboxMessage.kind == RecordOpened.KIND)
        assert (await session.scalars(facts)).one()["opening_id"] == str(opening.id)
        await tell_record_opened(session, RecordOpened(opening.id, home.institution.id))
        told = (await session.scalars(select(Notification))).one()
        assert told.person_id == home.people["auditor"].id
        link = f"/emergency-access/{opening.id}"
        assert told.link == link

        auditor = await sign_in_as(home, "auditor")
        assert REASON in (await auditor.get(link)).text
        assert (await auditor.post(f"{link}/review", data={"note": "An emergency"})).status_code == 409
        assert (await auditor.post(f"{link}/close")).status_code == 303
        assert (await auditor.post(f"{link}/review", data={"note": ""})).status_code == 422
        assert (await auditor.post(f"{link}/review", data={"note": "An emergency"})).status_code == 303
        assert "Reviewed" in (await auditor.get("/emergency-access")).text
        assert "Reviewed" not in (await auditor.get("/emergency-access?waiting=yes")).text
        listed = (await auditor.get("/api/v1/emergency-openings", headers=JSON)).json()["items"]
        assert [(each["runs"], each["review_note"]) for each in listed] == [(False, "An emergency")]

    async def test_nobody_else_sees_or_reviews_it(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        opening = await opened(session, home)
        link = f"/emergency-access/{opening.id}"
        for school, who in ((home, "colleague"), (home, "lecturer"), (home, "student0"), (away, "auditor")):
            client = await sign_in_as(school, who)
            assert (await client.get(link)).status_code == 404
            assert (await client.post(f"{link}/review", data={"note": "Fine"})).status_code in {403, 404}
        assert (await (await sign_in_as(home, "lecturer")).get("/emergency-access")).status_code == 403

    async def test_who_opened_cannot_review_it_in_the_database(self, session: Session, home: School) -> None:
        opening = await opened(session, home)
        reviewed = (
            update(EmergencyOpening)
            .where(EmergencyOpening.id == opening.id)
            .values(reviewed_at=clock.now(), review_note="Fine", reviewed_by=home.people["auditor"].id)
        )
        async with as_actor(session, home.actor("colleague")), session.begin_nested() as savepoint:
            with pytest.raises(DBAPIError):
                await session.execute(reviewed)
            await savepoint.rollback()

    async def test_the_person_reads_who_looked(self, home: School, sign_in_as: SignIn) -> None:
        opener = await sign_in_as(home, "colleague")
        await open_by_form(opener, home, "student0")
        await opener.get(f"/people/{home.people['student0'].id}/record")
        page = (await (await sign_in_as(home, "student0")).get("/account/privacy")).text
        assert "Record opened in an emergency" in page
        assert "access in an emergency" in page
        assert "Colleague of home" in page
