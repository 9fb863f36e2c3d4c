"""The JSON of the roster over HTTP: who gets it, what is in it, and how it is paged."""

from typing import Any

import httpx
import pytest

from tests.academics.conftest import ClientOf
from tests.schools import TwoSchools

pytestmark = pytest.mark.anyio


def address(schools: TwoSchools) -> str:
    return f"/api/v1/offerings/{schools.home.offering.id}/roster"


class TestList:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        assert (await client_of().get(address(two_schools))).status_code == 401

    async def test_the_other_school_finds_nothing(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        for who in ("lecturer", "registrar", "auditor", "student0"):
            answer = await client_of(two_schools.away.actor(who)).get(address(two_schools))
            assert answer.status_code == 404

    async def test_a_colleague_and_a_student_find_nothing(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        for who in ("colleague", "student0"):
            answer = await client_of(two_schools.home.actor(who)).get(address(two_schools))
            assert answer.status_code == 404

    async def test_those_who_look_after_it_get_every_student(
        self, client_of: ClientOf, two_schools: TwoSchools
    ) -> None:
        body: dict[str, Any] = {}
        for who in ("lecturer", "convenor", "advisor", "registrar", "administrator", "auditor"):
            body = (await client_of(two_schools.home.actor(who)).get(address(two_schools))).json()
            assert [item["number"] for item in body["items"]] == ["10000", "10001", "10002", "10003"]
        first = body["items"][0]
        assert first == {
            "id": str(two_schools.home.enrollment_of(0).id),
            "student_id": str(two_schools.home.students[0].id),
            "number": "10000",
            "name": "Student 10000",
            "status": "enrolled",
            "enrolled_on": "2026-09-28",
            "withdrawn_on": None,
            "attendance": 1.0,
            "is_restricted": False,
        }

    @pytest.mark.parametrize("order", ["number", "name", "status", "enrolled_on"])
    @pytest.mark.parametrize("descending", [False, True])
    async def test_pages_join_to_the_whole_in_every_order(
        self, client_of: ClientOf, two_schools: TwoSchools, order: str, descending: bool
    ) -> None:
        query: dict[str, str | int] = {"order": order, "descending": descending}
        client = client_of(two_schools.home.actor("lecturer"))
        whole = await numbers(client, address(two_schools), query | {"limit": 200})
        paged = await numbers(client, address(two_schools), query | {"limit": 1})
        assert paged == whole
        assert sorted(whole) == ["10000", "10001", "10002", "10003"]

    async def test_search_and_status_narrow(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("lecturer"))
        assert await numbers(client, address(two_schools), {"search": "0002"}) == ["10002"]
        assert await numbers(client, address(two_schools), {"search": "student 10003"}) == ["10003"]
        assert await numbers(client, address(two_schools), {"search": "%"}) == []
        assert await numbers(client, address(two_schools), {"status": "withdrawn"}) == []

    async def test_a_limit_out_of_range_is_refused(self, client_of: ClientOf, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("lecturer"))
        assert (await client.get(address(two_schools), params={"limit": 201})).status_code == 422


async def numbers(client: httpx.AsyncClient, address: str, query: dict[str, str | int]) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(address, params={**query, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found += [item["number"] for item in body["items"]]
        cursor = body["next_cursor"]
        if not cursor:
            return found
