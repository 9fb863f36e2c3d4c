"""One student's page for staff and for the student: who sees it, what was known when, what looking leaves behind."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, true

from academe.academics.models import Result
from academe.academics.types import EnrollmentStatus, Outcome
from academe.insight.group_queries import fairness_by_group
from academe.platform import clock
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.insight.conftest import ClientOf
from tests.insight.scores import NOW, ScoredSchool, day_of
from tests.insight.test_worklist import READERS, Statements
from tests.schools import STARTS_ON, TwoSchools
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio


def address(schools: TwoSchools, student: int = 0) -> str:
    return f"/students/{schools.home.students[student].id}"


async def page_of(client_of: ClientOf, schools: TwoSchools, who: str, path: str) -> str:
    with clock.frozen(NOW):
        answer = await client_of(schools.home.actor(who), browser=True).get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


class TestWho:
    async def test_nobody_is_sent_to_sign_in(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        for path in (address(two_schools), "/my-progress", "/models", f"/models/{scored.model.id}"):
            answer = await client_of(browser=True).get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in")

    async def test_strangers_find_nothing(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        strangers = [two_schools.away.actor(who) for who in (*READERS, "student0")]
        strangers += [two_schools.home.actor("colleague"), two_schools.home.actor("student1")]
        for stranger in strangers:
            answer = await client_of(stranger, browser=True).get(address(two_schools))
            assert answer.status_code == 404, stranger.label

    async def test_those_who_look_after_the_student_see_the_page(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        for who in READERS:
            text = await page_of(client_of, two_schools, who, address(two_schools))
            assert "Student 10000" in text
            assert "about eight in ten went on to fail or to leave" in text

    async def test_students_are_taken_to_their_own_page(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        answer = await client_of(two_schools.home.actor("student0"), browser=True).get(address(two_schools))
        assert answer.status_code == 303
        assert answer.headers["location"] == "/my-progress"

    async def test_a_teacher_sees_the_own_offering_alone(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        other = f"?offering={two_schools.home.other_offering.id}"
        text = await page_of(client_of, two_schools, "lecturer", address(two_schools, 3) + other)
        assert "MATH101" in text
        assert "HIST101" not in text
        assert "HIST101" in await page_of(client_of, two_schools, "registrar", address(two_schools, 3) + other)


class TestAudit:
    async def test_looking_leaves_an_entry_with_its_purpose(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session
    ) -> None:
        await page_of(client_of, two_schools, "advisor", address(two_schools))
        found = select(AuditEntry).where(AuditEntry.subject_id == two_schools.home.students[0].id)
        entry = (await session.scalars(found)).one()
        assert entry.kind == "read"
        assert entry.actor_person_id == two_schools.home.people["advisor"].id
        assert entry.person_id == two_schools.home.students[0].person_id
        assert entry.purpose is not None
        assert "looking after the student" in entry.purpose

    async def test_nothing_is_left_where_nothing_was_seen_or_it_is_ones_own(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session
    ) -> None:
        await client_of(two_schools.away.actor("advisor"), browser=True).get(address(two_schools))
        await page_of(client_of, two_schools, "student0", "/my-progress")
        found = select(AuditEntry).where(AuditEntry.subject_id == two_schools.home.students[0].id)
        assert (await session.scalars(found)).all() == []


class TestAsOf:
    async def test_nothing_from_after_the_day_is_shown(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session
    ) -> None:
        # Handed in on 18 October (day 20), marked on 26 October (day 28), enrolment left on day 40.
        enrollment = two_schools.home.enrollment_of(0)
        early = await page_of(client_of, two_schools, "advisor", address(two_schools) + "?week=2")
        assert "Assignment 1 handed in" not in early
        assert "Assignment 1 marked" not in early
        handed_in = await page_of(client_of, two_schools, "advisor", address(two_schools) + "?week=3")
        assert "Assignment 1 handed in" in handed_in
        assert "Assignment 1 marked" not in handed_in
        assert "80 of 100" not in handed_in
        marked = await page_of(client_of, two_schools, "advisor", address(two_schools) + "?week=4")
        assert "80 of 100" in marked
        assert enrollment.withdrawn_on is None

    @pytest.mark.parametrize("week", [2, 5, 7])
    async def test_later_facts_change_nothing(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session, week: int
    ) -> None:
        path = address(two_schools) + f"?week={week}"
        before = await page_of(client_of, two_schools, "advisor", path)
        result = (
            await session.scalars(select(Result).where(Result.student_id == two_schools.home.students[0].id))
        ).one()
        changed = date(2026, 12, 1)
        if result.marked_on and result.marked_on > day_of(week):
            result.marked_on, result.score = changed, Decimal(3)
        if result.submitted_on and result.submitted_on > day_of(week):
            result.submitted_on = changed
        enrollment = two_schools.home.enrollment_of(0)
        enrollment.status, enrollment.withdrawn_on = EnrollmentStatus.WITHDRAWN, changed
        await session.flush()
        assert await page_of(client_of, two_schools, "advisor", path) == before

    async def test_a_student_who_left_is_not_scored(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session
    ) -> None:
        enrollment = two_schools.home.enrollment_of(0)
        enrollment.status, enrollment.withdrawn_on = EnrollmentStatus.WITHDRAWN, STARTS_ON + timedelta(days=3)
        await session.flush()
        text = await page_of(client_of, two_schools, "advisor", address(two_schools) + "?week=1")
        assert "Left the offering" in text


class TestWhat:
    async def test_the_basis_is_named(self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool) -> None:
        text = await page_of(client_of, two_schools, "advisor", address(two_schools))
        for said in ("Learned from", "500 enrolments", "Never used: gender, age band.", "2.1 points", "78% of pairs"):
            assert said in text
        assert f"/models/{scored.model.id}" in text

    async def test_small_classes_are_not_summed_up(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        text = await page_of(client_of, two_schools, "student1", "/my-progress")
        assert "The class is too small to compare with." in text

    async def test_htmx_gets_the_picture_alone(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        with clock.frozen(NOW):
            part = await client_of(two_schools.home.actor("advisor"), htmx=True).get(address(two_schools))
        assert part.text.lstrip().startswith('<div id="picture"')

    async def test_it_costs_a_fixed_number_of_statements(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, database: JoinedDatabase
    ) -> None:
        statements = Statements(database)
        await page_of(client_of, two_schools, "advisor", address(two_schools))
        assert statements.end() <= 12


class TestOwnPage:
    async def test_it_speaks_to_the_student_without_shouting(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        text = await page_of(client_of, two_schools, "student0", "/my-progress")
        assert "about two in ten went on to pass" in text
        assert "risk-critical" not in text
        assert "Critical" not in text
        assert "Who can see this" in text
        assert "Talk to your advisor this week" in text

    async def test_it_is_the_own_record_whoever_asks(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        text = await page_of(client_of, two_schools, "student2", "/my-progress")
        assert "Student 10002" in text
        assert "Student 10000" not in text

    async def test_staff_have_none(self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool) -> None:
        assert "Nothing to show yet" in await page_of(client_of, two_schools, "advisor", "/my-progress")


class TestModels:
    async def test_everybody_signed_in_may_read_the_card(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        for who in (*READERS, "student0"):
            assert "risk-home" in await page_of(client_of, two_schools, who, "/models")
            text = await page_of(client_of, two_schools, who, f"/models/{scored.model.id}")
            assert "Its limits, and what it must not be used for" in text
            assert "0.780" in text

    async def test_an_unknown_model_is_not_found(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        answer = await client_of(two_schools.home.actor("advisor"), browser=True).get(
            f"/models/{two_schools.home.offering.id}"
        )
        assert answer.status_code == 404


class TestFairness:
    async def test_groups_are_for_those_who_may_know_them(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        path = f"/models/{scored.model.id}/fairness"
        assert (await client_of(browser=True).get(path)).status_code == 303
        for who in ("lecturer", "convenor", "advisor", "auditor", "student0"):
            assert (await client_of(two_schools.home.actor(who), browser=True).get(path)).status_code == 403, who
        for who in ("registrar", "administrator"):
            # One student of the class has known attributes: far too few for a figure.
            assert "Nothing to compare yet" in await page_of(client_of, two_schools, who, path)

    async def test_figures_are_those_of_the_group(
        self,
        client_of: ClientOf,
        two_schools: TwoSchools,
        scored: ScoredSchool,
        session: Session,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("academe.insight.group_queries.SMALLEST_GROUP", 1)
        enrollment = two_schools.home.enrollment_of(0)
        enrollment.status, enrollment.withdrawn_on = EnrollmentStatus.WITHDRAWN, date(2026, 12, 1)
        enrollment.outcome, enrollment.outcome_on = Outcome.WITHDRAWN, date(2026, 12, 1)
        enrollment.prior_education_level = 3
        await session.flush()
        rows = await fairness_by_group(session, scored.model.id, true())
        assert [(row.attribute, row.group, row.students, row.lost, row.missed) for row in rows] == [
            ("gender", "female", 1, 1.0, 0.0),
            ("age_band", "0-35", 1, 1.0, 0.0),
            ("region", "North", 1, 1.0, 0.0),
            ("prior_education_level", "upper secondary education", 1, 1.0, 0.0),
        ]
        assert rows[0].predicted == pytest.approx(sum(0.82 - 0.06 * back for back in range(6)) / 6)
