"""Pages of offerings, roster and attendance over HTTP, without a browser: who sees them, what they say and cost."""

from datetime import timedelta

import pytest

from academe.academics.attendance.service import create_meeting
from academe.academics.types import EnrollmentStatus, MeetingKind
from academe.platform.database.session import Session
from tests.academics.conftest import ClientOf
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

STAFF = ("lecturer", "convenor", "advisor", "registrar", "administrator", "auditor")


def addresses(schools: TwoSchools) -> list[str]:
    offering = f"/offerings/{schools.home.offering.id}"
    enrollment = schools.home.enrollment_of(0).id
    return [
        offering,
        f"{offering}/roster",
        f"{offering}/roster/enrol",
        f"{offering}/roster/{enrollment}",
        f"{offering}/roster.csv",
        f"{offering}/meetings",
        f"/meetings/{schools.home.meeting.id}/attendance",
    ]


class TestEveryPage:
    async def test_nobody_is_sent_to_sign_in(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        for address in ["/offerings", *addresses(two_schools)]:
            answer = await client_of(browser=True).get(address)
            assert answer.status_code == 303, address
            assert answer.headers["location"].startswith("/sign-in")

    async def test_strangers_find_nothing(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        strangers = [two_schools.away.actor(who) for who in (*STAFF, "student0")]
        strangers += [two_schools.home.actor("colleague"), two_schools.home.actor("student0")]
        for stranger in strangers:
            client = client_of(stranger, browser=True)
            for address in addresses(two_schools):
                assert (await client.get(address)).status_code == 404, (stranger.label, address)

    async def test_those_who_look_after_it_see_it(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        for who in STAFF:
            client = client_of(two_schools.home.actor(who), browser=True)
            for address in addresses(two_schools):
                answer = await client.get(address)
                assert answer.status_code == 200, (who, address, answer.text)


class TestOfferings:
    async def test_everybody_sees_their_own(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        page = await client_of(two_schools.home.actor("colleague"), browser=True).get("/offerings")
        assert "HIST101" in page.text
        assert "MATH101" not in page.text
        page = await client_of(two_schools.home.actor("registrar"), browser=True).get("/offerings?q=calc")
        assert "MATH101" in page.text
        assert "HIST101" not in page.text
        assert str(two_schools.away.offering.id) not in page.text


class TestRoster:
    async def test_htmx_gets_the_table_alone(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        address = f"/offerings/{two_schools.home.offering.id}/roster?q=0002"
        part = await client_of(two_schools.home.actor("lecturer"), htmx=True).get(address)
        assert part.text.lstrip().startswith('<div id="students"')
        assert "Student 10002" in part.text
        assert "Student 10001" not in part.text

    async def test_only_those_who_enrol_see_how(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        address = f"/offerings/{two_schools.home.offering.id}/roster"
        for who in STAFF:
            page = await client_of(two_schools.home.actor(who), browser=True).get(address)
            assert ("Enrol a student" in page.text) == (who in {"convenor", "registrar", "administrator"}), who

    async def test_the_form_enrols(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("convenor"), browser=True)
        address = f"/offerings/{two_schools.home.offering.id}/roster/enrol"
        refused = await client.post(address, data={"student_number": "77777"})
        assert refused.status_code == 422
        assert "There is no student with this number." in refused.text
        again = await client.post(address, data={"student_number": "10000"})
        assert again.status_code == 409
        done = await client.post(address, data={"student_number": "10005"})
        assert done.status_code == 303
        page = await client.get(done.headers["location"])
        assert "Student 10005" in page.text

    async def test_ticked_rows_are_withdrawn_together(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("registrar"), browser=True)
        roster = f"/offerings/{two_schools.home.offering.id}/roster"
        rows = [str(two_schools.home.enrollment_of(number).id) for number in (0, 1)]
        assert (await client.post(f"{roster}/withdraw", data={"rows": rows, "reason": ""})).status_code == 422
        done = await client.post(f"{roster}/withdraw", data={"rows": rows, "reason": "left the country"})
        assert done.status_code == 303
        page = await client.get(f"{roster}?status={EnrollmentStatus.WITHDRAWN}")
        assert "Student 10000" in page.text
        assert "Student 10001" in page.text
        assert "Student 10002" not in page.text

    async def test_a_filter_that_nothing_matches_is_no_empty_roster(
        self, client_of: ClientOf, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.home.actor("convenor"), browser=True)
        page = await client.get(f"/offerings/{two_schools.home.offering.id}/roster?q=nobody")
        assert "Nothing matches the filters" in page.text
        assert "No students yet" not in page.text


class TestAttendance:
    async def test_readers_are_not_told_that_everybody_came(
        self, client_of: ClientOf, session: Session, two_schools: TwoSchools
    ) -> None:
        home, starts_at = two_schools.home, two_schools.home.meeting.starts_at + timedelta(days=1)
        async with as_actor(session, home.actor("lecturer")):
            untaken = await create_meeting(
                session,
                actor=home.actor("lecturer"),
                offering_id=home.offering.id,
                kind=MeetingKind.LECTURE,
                title="Lecture 2",
                starts_at=starts_at,
                ends_at=starts_at + timedelta(hours=1),
            )
        page = await client_of(home.actor("advisor"), browser=True).get(f"/meetings/{untaken.id}/attendance")
        assert "Not taken yet" in page.text
        assert 'type="radio"' not in page.text

    async def test_the_grid_saves_and_shows_what_is_saved(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("lecturer"), browser=True)
        address = f"/meetings/{two_schools.home.meeting.id}/attendance"
        version = version_on((await client.get(address)).text)
        form = {"version": version} | {f"status-{student.id}": "present" for student in two_schools.home.students[:4]}
        late = two_schools.home.students[1].id
        form |= {f"status-{late}": "tardy"}
        refused = await client.post(address, data=form)
        assert refused.status_code == 422
        assert "Please say how late" in refused.text
        saved = await client.post(address, data=form | {f"minutes-{late}": "12"})
        assert saved.status_code == 303
        stale = await client.post(address, data=form | {f"minutes-{late}": "15"})
        assert stale.status_code == 409
        assert "Somebody else has saved this attendance meanwhile" in stale.text


def version_on(page: str) -> str:
    return page.partition('name="version" value="')[2].partition('"')[0]
