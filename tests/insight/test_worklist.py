"""The worklist as JSON and as pages: who gets whose students, in which order, as of which day, at which cost."""

from typing import Any

import pytest
from sqlalchemy import event

from academe.academics.types import EnrollmentStatus
from academe.platform import clock
from academe.platform.database.session import Session
from tests.insight.conftest import ClientOf
from tests.insight.scores import NOW, ScoredSchool, day_of
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

ADDRESS = "/api/v1/worklist"
READERS = ("lecturer", "convenor", "advisor", "registrar", "administrator", "auditor")


async def worklist(client_of: ClientOf, schools: TwoSchools, who: str, query: str = "") -> dict[str, Any]:
    with clock.frozen(NOW):
        answer = await client_of(schools.home.actor(who)).get(ADDRESS + query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def numbers(body: dict[str, Any]) -> list[str]:
    return [item["number"] for item in body["items"]]


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, scored: ScoredSchool) -> None:
        assert (await client_of().get(ADDRESS)).status_code == 401
        page = await client_of(browser=True).get("/worklist")
        assert page.status_code == 303
        assert page.headers["location"].startswith("/sign-in")

    async def test_students_have_none(self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool) -> None:
        student = client_of(two_schools.home.actor("student0"))
        assert (await student.get(ADDRESS)).status_code == 403
        assert (await student.get("/worklist")).status_code == 403
        assert (await student.get(f"/offerings/{two_schools.home.offering.id}/risk")).status_code == 404

    async def test_the_other_school_has_its_own(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        with clock.frozen(NOW):
            for who in READERS:
                body = (await client_of(two_schools.away.actor(who)).get(ADDRESS)).json()
                own = {str(student.id) for student in two_schools.away.students}
                assert {item["student_id"] for item in body["items"]} <= own
                offering = f"?offering_id={two_schools.home.offering.id}"
                assert (await client_of(two_schools.away.actor(who)).get(ADDRESS + offering)).json()["items"] == []
                page = await client_of(two_schools.away.actor(who)).get(
                    f"/offerings/{two_schools.home.offering.id}/risk"
                )
                assert page.status_code == 404

    async def test_a_colleague_has_others(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        assert (await worklist(client_of, two_schools, "colleague"))["items"] == []

    async def test_those_who_look_after_them_see_them_by_need(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        for who in READERS:
            body = await worklist(client_of, two_schools, who)
            assert numbers(body) == ["10000", "10001", "10003", "10002"], who
            assert body["counts"] == {"critical": 1, "high": 1, "medium": 1, "low": 1}


class TestWhat:
    async def test_a_row_says_how_likely_how_sure_and_why(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        first = (await worklist(client_of, two_schools, "advisor"))["items"][0]
        assert (first["probability"], first["lower"]) == (0.82, 0.72)
        assert first["upper"] == pytest.approx(0.92)
        assert first["band"] == "critical"
        assert first["change"] == pytest.approx(0.06)
        assert first["history"][-2:] == [0.76, 0.82]
        assert len(first["history"]) == 8
        assert first["last_visit"] == "2026-10-11"
        # What only says where the offering stands is no reason to call a student.
        assert [reason.split(";")[0] for reason in first["reasons"]] == [
            "Last visit 12 days before",
            "1 of 2 pieces of coursework due not handed in.",
        ]

    async def test_filters_narrow_and_counts_do_not_depend_on_the_band(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        critical = await worklist(client_of, two_schools, "advisor", "?band=critical")
        assert numbers(critical) == ["10000"]
        assert critical["counts"]["low"] == 1
        assert numbers(await worklist(client_of, two_schools, "advisor", "?rising=true")) == ["10000"]
        assert numbers(await worklist(client_of, two_schools, "advisor", "?search=0002")) == ["10002"]
        assert numbers(await worklist(client_of, two_schools, "advisor", "?search=%25")) == []

    @pytest.mark.parametrize("query", ["", "?order=change", "?order=number", "?band=high", "?rising=true"])
    async def test_pages_join_to_the_whole(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, query: str
    ) -> None:
        whole = numbers(await worklist(client_of, two_schools, "lecturer", query))
        joint, cursor = "&" if query else "?", ""
        paged: list[str] = []
        while True:
            body = await worklist(client_of, two_schools, "lecturer", f"{query}{joint}limit=1{cursor}")
            paged += numbers(body)
            if body["next_cursor"] is None:
                break
            cursor = f"&cursor={body['next_cursor']}"
        assert paged == whole

    async def test_bounds_and_words_are_checked(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        client = client_of(two_schools.home.actor("advisor"))
        for query in ("limit=201", "band=purple", "week=-1", "order=luck"):
            assert (await client.get(f"{ADDRESS}?{query}")).status_code == 422, query


class TestAsOf:
    async def test_a_week_shows_what_was_known_then(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        body = await worklist(client_of, two_schools, "advisor", "?week=2")
        assert body["as_of"] == day_of(2).isoformat()
        first = body["items"][0]
        assert first["number"] == "10000"
        assert first["probability"] == 0.52
        assert first["change"] is None
        assert first["last_visit"] <= body["as_of"]

    async def test_a_week_that_is_still_to_come_is_today(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        assert (await worklist(client_of, two_schools, "advisor", "?week=15"))["as_of"] == NOW.date().isoformat()

    async def test_who_has_left_is_gone_from_that_day(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, session: Session
    ) -> None:
        enrollment = two_schools.home.enrollment_of(0)
        enrollment.status, enrollment.withdrawn_on = EnrollmentStatus.WITHDRAWN, day_of(7)
        await session.flush()
        assert "10000" not in numbers(await worklist(client_of, two_schools, "advisor"))
        assert "10000" in numbers(await worklist(client_of, two_schools, "advisor", "?week=6"))

    async def test_a_week_without_scores_says_so(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        with clock.frozen(NOW):
            page = await client_of(two_schools.home.actor("advisor"), browser=True).get("/worklist?week=1")
        assert "No scores for week 1" in page.text
        assert "week 2</a> the first one after" in page.text


class TestPage:
    async def test_the_page_and_its_parts(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        with clock.frozen(NOW):
            client = client_of(two_schools.home.actor("advisor"), htmx=True)
            whole = await client_of(two_schools.home.actor("advisor"), browser=True).get("/worklist")
            part = await client_of(two_schools.home.actor("advisor"), htmx=True).get("/worklist?week=6")
            rows = await client.get("/worklist?week=6", headers={"HX-Target": "worklist-students"})
        assert "As of today" in whole.text
        assert "1 of 2 pieces of coursework due not handed in." in whole.text
        assert part.text.lstrip().startswith('<div id="worklist"')
        assert rows.text.lstrip().startswith('<div id="worklist-students"')

    async def test_an_offering_shows_how_probabilities_are_spread(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        with clock.frozen(NOW):
            for who in READERS:
                page = await client_of(two_schools.home.actor(who), browser=True).get(
                    f"/offerings/{two_schools.home.offering.id}/risk"
                )
                assert page.status_code == 200, who
                assert "2 of 4 students are more likely than not to fail or to leave." in page.text

    async def test_odd_addresses_do_no_harm(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool
    ) -> None:
        client = client_of(two_schools.home.actor("advisor"), browser=True)
        for query in ("week=x", "week=99999999999", "band=purple", "offering=1", "sort=-luck", "trend=1"):
            assert (await client.get(f"/worklist?{query}")).status_code == 200, query

    async def test_the_cost_does_not_grow_with_the_rows(
        self, client_of: ClientOf, two_schools: TwoSchools, scored: ScoredSchool, database: JoinedDatabase
    ) -> None:
        client = client_of(two_schools.home.actor("advisor"), browser=True)
        counts = []
        for limit in (1, 4):
            statements = Statements(database)
            with clock.frozen(NOW):
                assert (await client.get(f"/worklist?limit={limit}")).status_code == 200
            counts.append(statements.end())
        assert counts[0] == counts[1]
        assert counts[1] <= 8, counts


class Statements:
    """Counts the selects of the application until `end`."""

    def __init__(self, database: JoinedDatabase) -> None:
        self._engine = database.connection.sync_connection
        self._count = 0
        event.listen(self._engine, "before_cursor_execute", self._seen)

    def _seen(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._count += statement.lstrip().startswith("SELECT") and " FROM " in statement.replace("\n", " ")

    def end(self) -> int:
        event.remove(self._engine, "before_cursor_execute", self._seen)
        return self._count
