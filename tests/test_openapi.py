"""The OpenAPI document is true: generated requests, good and bad, get the answers it promises, and never a fault."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.openapi import from_url
from schemathesis.schemas import BaseSchema
from starlette.requests import Request

from academe.app import create_app
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.database.session import Database
from academe.platform.http.application import OPENAPI_URL
from academe.platform.http.server import address_of, listen
from academe.platform.settings import Settings
from tests.schools import TwoSchools, build_two_schools
from tests.support.databases import ServerOfTests

SIGNED_IN = {"Cookie": "academe_session=registrar", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def school_settings(server: ServerOfTests, worker_id: str) -> Iterator[Settings]:
    """A database whose two schools are committed, for a server in a thread of its own."""
    name = f"academe_openapi_{worker_id}"
    yield server.clone(name).model_copy(update={"rate_limit_per_minute": 1_000_000})
    server.drop(name)


@pytest.fixture(scope="module")
def registrar(school_settings: Settings) -> Actor:
    """Who may do most in one of the schools."""

    async def build() -> TwoSchools:
        database = Database(school_settings)
        async with database.transaction(system_actor("test")) as session:
            schools = await build_two_schools(session)
        await database.close()
        return schools

    return asyncio.run(build()).home.actor("registrar")


@pytest.fixture(scope="module")
def api(school_settings: Settings, registrar: Actor) -> Iterator[BaseSchema]:
    """The application behind a real socket; who has a cookie is the registrar."""
    app = create_app(school_settings)

    async def resolve(request: Request) -> Actor:
        return registrar if request.cookies else ANONYMOUS

    app.state.resolve_actor = resolve
    with closing(listen("127.0.0.1", 0)) as listener:
        served = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield from_url(address_of(listener).replace("localhost", "127.0.0.1") + OPENAPI_URL)
        finally:
            served.should_exit = True
            thread.join()


def operations(api: BaseSchema) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for found in api.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def quickly(examples: int) -> settings:
    # The same examples every time: whether a build passes must not depend on chance.
    return settings(
        max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )


@pytest.mark.slow
class TestEveryOperation:
    def test_answers_as_the_document_promises(self, api: BaseSchema, subtests: pytest.Subtests) -> None:
        for operation in operations(api):
            good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

            @quickly(20)
            @given(case=good | bad)
            def ask(case: Case[Any]) -> None:
                if case.query:
                    case.query.pop("cursor", None)  # only a list itself can make one; its own tests try wrong ones
                answer = case.call_and_validate(headers=SIGNED_IN)
                assert answer.status_code != 401

            with subtests.test(operation.label):
                ask()

    def test_tells_nobody_anything(self, api: BaseSchema, subtests: pytest.Subtests) -> None:
        for operation in operations(api.include(path_regex="^/api/v1/")):

            @quickly(3)
            @given(case=operation.as_strategy())
            def ask(case: Case[Any]) -> None:
                answer = case.call()
                assert answer.status_code == 401, answer.content
                assert answer.json()["type"] == "urn:academe:problem:authentication-required"

            with subtests.test(operation.label):
                ask()
