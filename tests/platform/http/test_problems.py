"""How errors read to programs, to people and to htmx; and that nothing of ours leaks."""

import json
from typing import Annotated

import pytest
from fastapi import Query
from pydantic import BaseModel, Field

from academe.platform.errors import (
    AcademeError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    ServiceUnavailableError,
)
from academe.platform.http.routing import api_router, page_router
from tests.platform.http.conftest import Client

pytestmark = pytest.mark.anyio

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
router = api_router("/trial", tag="trial")
pages = page_router("/trial")


class Mark(BaseModel):
    score: Annotated[int, Field(ge=0, le=100)]


class Marks(BaseModel):
    marks: list[Mark]


class OddError(AcademeError):
    status = 418
    title = "Odd"


ERRORS: dict[str, Exception] = {
    "missing": NotFoundError("There is no offering with this id."),
    "conflict": ConflictError("Already closed.", errors=[FieldError("status", "is closed")]),
    "line": InvalidInputError("2 lines are wrong.", errors=[FieldError("score", "is not a number", line=7)]),
    "down": ServiceUnavailableError(),
    "odd": OddError("So it is."),
    "fault": RuntimeError("password=hunter2"),
}


@router.get("/errors/{name}")
async def fail(name: str) -> None:
    raise ERRORS[name]


@router.post("/marks")
async def give_marks(body: Marks, week: Annotated[int, Query(ge=0)] = 0) -> int:
    return len(body.marks) + week


@pages.get("/errors/{name}")
async def fail_as_page(name: str) -> None:
    raise ERRORS[name]


@pages.get("/numbers/{number}")
async def number_page(number: int) -> str:
    return str(number)


class TestProgram:
    async def test_an_error_is_a_problem(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/errors/missing")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "type": "urn:academe:problem:not-found",
            "title": "Not found",
            "status": 404,
            "detail": "There is no offering with this id.",
            "request_id": answer.headers["x-request-id"],
        }

    async def test_fields_and_lines_are_named(self, client: Client) -> None:
        async with client(router) as c:
            conflict = await c.get("/api/v1/trial/errors/conflict")
            line = await c.get("/api/v1/trial/errors/line")
        assert conflict.json()["errors"] == [{"field": "status", "message": "is closed"}]
        assert line.json()["errors"] == [{"field": "score", "message": "is not a number", "line": 7}]

    async def test_bad_input_is_422_with_pointers(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/marks", json={"marks": [{"score": 1}, {"score": 101}]})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "field": "marks.1.score",
                "message": "input should be less than or equal to 100",
                "pointer": "/marks/1/score",
            }
        ]

    async def test_bad_parameters_are_named(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/marks?week=-1", json={"marks": []})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["week"]
        assert "pointer" not in answer.json()["errors"][0]

    async def test_what_is_not_json_is_422(self, client: Client) -> None:
        headers = {"content-type": "application/json"}
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/marks", content=b'{"marks": ', headers=headers)
        assert answer.status_code == 422
        assert "is not JSON" in answer.json()["errors"][0]["message"]

    async def test_a_fault_of_ours_says_nothing_but_its_number(
        self, client: Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/errors/fault")
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "RuntimeError" not in answer.text
        assert answer.json()["request_id"] == answer.headers["x-request-id"]

    async def test_later_may_help_says_when(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/errors/down")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0

    async def test_an_unknown_path_and_a_wrong_method_are_problems(self, client: Client) -> None:
        async with client(router) as c:
            missing = await c.get("/api/v1/nothing")
            method = await c.delete("/api/v1/trial/marks")
        assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
        assert (method.status_code, method.headers["allow"]) == (405, "POST")

    async def test_the_api_answers_browsers_with_problems_too(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/errors/missing", headers=BROWSER)
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_an_odd_status_is_kept(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/errors/odd")
        assert (answer.status_code, answer.json()["type"]) == (418, "urn:academe:problem:odd")


class TestBrowser:
    async def test_an_error_is_a_page_with_the_number(self, client: Client) -> None:
        async with client(pages) as c:
            answer = await c.get("/trial/errors/missing", headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.headers["x-request-id"] in answer.text

    async def test_a_fault_of_ours_is_a_page_without_a_word_about_it(self, client: Client) -> None:
        async with client(pages) as c:
            answer = await c.get("/trial/errors/fault", headers=BROWSER)
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        assert "hunter2" not in answer.text
        assert answer.headers["content-security-policy"]

    async def test_an_address_that_cannot_exist_is_not_there(self, client: Client) -> None:
        async with client(pages) as c:
            page = await c.get("/trial/numbers/seven", headers=BROWSER)
            problem = await c.get("/trial/numbers/seven")
        assert page.status_code == 404
        assert problem.status_code == 422


class TestHtmx:
    async def test_an_error_is_a_toast_and_nothing_is_swapped(self, client: Client) -> None:
        async with client(pages) as c:
            answer = await c.get("/trial/errors/conflict", headers={"HX-Request": "true", **BROWSER})
        assert answer.status_code == 409
        assert answer.headers["hx-reswap"] == "none"
        (messages,) = json.loads(answer.headers["hx-trigger"]).values()
        assert messages == [{"kind": "danger", "text": "Already closed."}]
        assert 'role="alert"' in answer.text

    async def test_a_boosted_link_gets_the_whole_page(self, client: Client) -> None:
        headers = {"HX-Request": "true", "HX-Boosted": "true", **BROWSER}
        async with client(pages) as c:
            answer = await c.get("/trial/errors/missing", headers=headers)
        assert "<html" in answer.text

    async def test_a_fault_of_ours_gives_its_number(self, client: Client) -> None:
        async with client(pages) as c:
            answer = await c.get("/trial/errors/fault", headers={"HX-Request": "true"})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.headers["hx-trigger"]
        assert "hunter2" not in answer.text + answer.headers["hx-trigger"]
