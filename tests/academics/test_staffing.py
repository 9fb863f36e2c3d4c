"""Convenors appoint tutors for their offering, registrars everybody; access ends with the appointment."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from academe.academics.errors import OfferingNotFoundError, StaffNotFoundError
from academe.academics.models import Attendance, Enrollment, OfferingStaff
from academe.academics.queries import offering_scopes, staff_of
from academe.academics.service import assign_staff, end_staff
from academe.academics.types import StaffRole
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.academics.conftest import ClientOf
from tests.schools import School, TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(two_schools: TwoSchools) -> School:
    return two_schools.home


async def appoint(session: Session, school: School, who: str, role: StaffRole = StaffRole.TUTOR) -> OfferingStaff:
    actor = school.actor(who)
    async with as_actor(session, actor):
        staff = await assign_staff(
            session, actor=actor, offering_id=school.offering.id, person_id=school.people["colleague"].id, role=role
        )
        await session.finish()
    return staff


async def seen(session: Session, school: School) -> tuple[int, int]:
    """How many enrolments and marks of the first offering the colleague sees."""
    async with as_actor(session, school.actor("colleague")):
        counted = [
            await session.scalar(select(func.count()).select_from(table).where(table.offering_id == school.offering.id))
            for table in (Enrollment, Attendance)
        ]
    return counted[0] or 0, counted[1] or 0


class TestAppointing:
    async def test_anonymous_and_strangers(self, session: Session, two_schools: TwoSchools) -> None:
        home = two_schools.home
        values = {
            "offering_id": home.offering.id,
            "person_id": home.people["colleague"].id,
            "role": StaffRole.TUTOR,
        }
        with pytest.raises(AuthenticationRequiredError):
            await assign_staff(session, actor=ANONYMOUS, **values)  # type: ignore[arg-type]
        for who in ("student0", "lecturer", "colleague", "advisor", "auditor"):
            with pytest.raises(PermissionDeniedError):
                await assign_staff(session, actor=home.actor(who), **values)  # type: ignore[arg-type]
        with pytest.raises(PermissionDeniedError):
            await assign_staff(session, actor=two_schools.away.actor("registrar"), **values)  # type: ignore[arg-type]
        values["offering_id"] = new_id()
        with pytest.raises(OfferingNotFoundError):
            await assign_staff(session, actor=home.actor("convenor"), **values)  # type: ignore[arg-type]

    async def test_convenors_appoint_tutors_and_nobody_else(self, session: Session, home: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await appoint(session, home, "convenor", StaffRole.LECTURER)
        assert await seen(session, home) == (0, 0)
        staff = await appoint(session, home, "convenor")
        assert staff.granted_by == home.people["convenor"].id
        assert await seen(session, home) == (4, 4)
        scopes = await offering_scopes(session, home.people["colleague"].id)
        assert ("tutor", home.offering.id) in {(scope.role, scope.offering_id) for scope in scopes}
        again = await appoint(session, home, "convenor")
        assert again.id == staff.id
        actions = (await session.scalars(select(AuditEntry.action))).all()
        assert actions == ["offering_staff.assigned"]

    async def test_the_database_lets_convenors_appoint_tutors_alone(self, session: Session, home: School) -> None:
        insert = text(
            "INSERT INTO offering_staff (id, offering_id, person_id, role)"
            " VALUES (gen_random_uuid(), :offering, :person, :role)"
        )
        person = home.people["colleague"].id
        for offering, role, allowed in (
            (home.offering, "tutor", True),
            (home.offering, "convenor", False),
            (home.other_offering, "tutor", False),
        ):
            values = {"offering": offering.id, "person": person, "role": role}
            refusal = nullcontext() if allowed else pytest.raises(DBAPIError, match="row-level security")
            async with as_actor(session, home.actor("convenor")):
                with refusal:
                    async with session.begin_nested():
                        await session.execute(insert, values)

    async def test_bad_input(self, session: Session, two_schools: TwoSchools) -> None:
        home, today = two_schools.home, clock.now().date()
        cases = (
            ({"person_id": two_schools.away.people["colleague"].id}, "person_id"),
            ({"person_id": home.people["colleague"].id, "ends_on": today - timedelta(days=1)}, "ends_on"),
        )
        for values, field in cases:
            with pytest.raises(InvalidInputError) as refused:
                await assign_staff(
                    session,
                    actor=home.actor("convenor"),
                    offering_id=home.offering.id,
                    role=StaffRole.TUTOR,
                    **values,
                )
            assert [each.field for each in refused.value.errors] == [field]


class TestEnding:
    async def test_access_ends_with_it(self, session: Session, home: School) -> None:
        staff = await appoint(session, home, "convenor")
        with pytest.raises(PermissionDeniedError):
            await end_staff(session, actor=home.actor("lecturer"), offering_id=home.offering.id, staff_id=staff.id)
        with pytest.raises(StaffNotFoundError):
            await end_staff(
                session, actor=home.actor("convenor"), offering_id=home.other_offering.id, staff_id=staff.id
            )
        async with as_actor(session, home.actor("convenor")):
            await end_staff(session, actor=home.actor("convenor"), offering_id=home.offering.id, staff_id=staff.id)
        assert await seen(session, home) == (0, 0)
        scopes = await offering_scopes(session, home.people["colleague"].id)
        assert home.offering.id not in {scope.offering_id for scope in scopes}
        assert (await appoint(session, home, "convenor")).id != staff.id  # appointed anew

    async def test_convenors_end_no_lecturer(self, session: Session, home: School) -> None:
        members = await staff_of(session, home.offering.id)
        lecturer = next(each for each in members if each.role is StaffRole.LECTURER)
        with pytest.raises(PermissionDeniedError):
            await end_staff(session, actor=home.actor("convenor"), offering_id=home.offering.id, staff_id=lecturer.id)
        async with as_actor(session, home.actor("registrar")):
            await end_staff(session, actor=home.actor("registrar"), offering_id=home.offering.id, staff_id=lecturer.id)

    @pytest.mark.parametrize(("first", "last", "sees"), [(-9, 0, 4), (-9, -1, 0), (1, None, 0)])
    async def test_it_counts_on_its_days_alone(
        self, session: Session, home: School, first: int, last: int | None, sees: int
    ) -> None:
        staff = await appoint(session, home, "convenor")
        async with as_actor(session, system_actor("test")):
            today = clock.now().date()
            staff.starts_on = today + timedelta(days=first)
            staff.ends_on = None if last is None else today + timedelta(days=last)
            await session.flush()
        assert await seen(session, home) == (sees, sees)


class TestHttp:
    async def test_pages_and_json(self, two_schools: TwoSchools, client_of: ClientOf) -> None:
        home = two_schools.home
        href, path = f"/offerings/{home.offering.id}/staff", f"/api/v1/offerings/{home.offering.id}/staff"
        assert (await client_of(home.actor("lecturer")).get(href)).status_code == 403
        assert (await client_of(home.actor("colleague")).get(href)).status_code == 404
        convenor = client_of(home.actor("convenor"))
        page = await convenor.get(f"{href}?q=colleague")
        person = str(home.people["colleague"].id)
        assert person in page.text
        assert (await convenor.post(href, data={"q": "colleague", "role": "tutor"})).status_code == 422
        assert (await convenor.post(href, data={"person_id": person, "role": "convenor"})).status_code == 403
        assert (await convenor.post(href, data={"person_id": person, "role": "tutor"})).status_code == 303
        assert "Tutor" in (await convenor.get(href)).text
        listed = (await convenor.get(path)).json()
        tutor = next(each for each in listed if each["role"] == "tutor")
        assert (await client_of(home.actor("lecturer")).delete(f"{path}/{tutor['id']}")).status_code == 403
        convenor = client_of(home.actor("convenor"))
        assert (await convenor.delete(f"{path}/{tutor['id']}")).status_code == 204
        made = await convenor.post(path, json={"person_id": person, "role": "tutor", "ends_on": "2099-01-01"})
        assert made.status_code == 201
        tutor = next(each for each in made.json() if each["role"] == "tutor")
        ended = await convenor.post(f"{href}/{tutor['id']}/end")
        assert ended.status_code == 303
