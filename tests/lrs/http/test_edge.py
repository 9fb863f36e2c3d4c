"""Requests below /xapi from bytes to bytes: versions, credentials, scopes, parameters, the alternate syntax."""

import json
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse

from academe.lrs.http.endpoint import XapiEndpoint
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from tests.lrs.statements.brought import a_statement

pytestmark = pytest.mark.anyio

ClientOf = Callable[..., httpx.AsyncClient]
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def _sender(database: Database, *scopes: Scope) -> tuple[str, str]:
    async with database.transaction(system_actor("a test")) as session:
        issued = await create_sender(
            session,
            actor=system_actor("a test"),
            name="A test",
            home_page="https://campus.example.edu",
            scopes=frozenset(scopes),
        )
        return issued.sender.key, issued.secret


@pytest.fixture
async def client_of(own_database: Database) -> AsyncIterator[ClientOf]:
    endpoint = XapiEndpoint(own_database.settings, lambda: own_database)
    app = endpoint.edge()(PlainTextResponse("the application"))
    opened: list[httpx.AsyncClient] = []

    def make(auth: tuple[str, str] | None = None, version: str | None = "2.0.0") -> httpx.AsyncClient:
        headers = {} if version is None else {"X-Experience-API-Version": version}
        transport = httpx.ASGITransport(app)
        client = httpx.AsyncClient(transport=transport, base_url="http://lrs/xapi", auth=auth, headers=headers)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
async def auth(own_database: Database) -> tuple[str, str]:
    return await _sender(own_database, Scope.ALL)


class TestVersions:
    async def test_other_paths_are_the_applications(self, client_of: ClientOf) -> None:
        for path in ("/", "/xapi-docs", "/api/xapi"):
            assert (await client_of().get(f"http://lrs{path}")).text == "the application"

    @pytest.mark.parametrize(("asked", "named"), [("1.0", "1.0.3"), ("1.0.2", "1.0.3"), ("2.0.0", "2.0.0")])
    async def test_every_answer_names_the_version_of_the_request(
        self, client_of: ClientOf, auth: tuple[str, str], asked: str, named: str
    ) -> None:
        client = client_of(auth, asked)
        answers = [
            await client.get("/statements"),
            await client.get("/statements", params={"nonsense": "1"}),
            await client.get("/nothing"),
            await client.put("/statements", params={"statementId": str(uuid4())}, json=a_statement(id=None)),
        ]
        assert [answer.status_code for answer in answers] == [200, 400, 404, 204]
        assert {answer.headers["X-Experience-API-Version"] for answer in answers} == {named}

    @pytest.mark.parametrize("version", [None, "0.95", "1.1.0", "2.1.0", "newest"])
    async def test_without_a_version_that_is_spoken_it_is_400(
        self, client_of: ClientOf, auth: tuple[str, str], version: str | None
    ) -> None:
        answer = await client_of(auth, version).get("/statements")
        assert (answer.status_code, answer.headers["X-Experience-API-Version"]) == (400, "0.95")

    async def test_about_asks_for_nothing(self, client_of: ClientOf) -> None:
        answer = await client_of(None, None).get("/about")
        assert answer.status_code == 200
        assert {"1.0.3", "2.0.0"} <= set(answer.json()["version"])

    async def test_answers_of_statements_say_up_to_when_they_are_complete(
        self, client_of: ClientOf, auth: tuple[str, str]
    ) -> None:
        client = client_of(auth)
        for answer in (
            await client.get("/statements"),
            await client.get("/statements", params={"statementId": str(uuid4())}),
            await client.get("/statements", params={"LIMIT": "1"}),
            await client.post("/statements", json=a_statement()),
            await client.head("/statements"),
        ):
            assert answer.headers["X-Experience-API-Consistent-Through"].endswith("Z")
        assert "X-Experience-API-Consistent-Through" not in (await client.get("/about")).headers


class TestSenders:
    async def test_nobody_is_401_with_a_challenge(self, client_of: ClientOf) -> None:
        answer = await client_of().get("/statements")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    async def test_a_wrong_secret_is_401(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        assert (await client_of((auth[0], "x" * 43)).get("/statements")).status_code == 401

    async def test_scopes_say_what_is_allowed(self, client_of: ClientOf, own_database: Database) -> None:
        writer = client_of(await _sender(own_database, Scope.WRITE_STATEMENTS))
        reader = client_of(await _sender(own_database, Scope.READ_STATEMENTS))
        assert (await writer.post("/statements", json=a_statement())).status_code == 200
        assert (await writer.get("/statements")).status_code == 403
        assert len((await reader.get("/statements")).json()["statements"]) == 1
        assert (await reader.post("/statements", json=a_statement())).status_code == 403

    async def test_who_may_read_its_own_reads_no_others(self, client_of: ClientOf, own_database: Database) -> None:
        mine = client_of(await _sender(own_database, Scope.WRITE_STATEMENTS, Scope.READ_OWN_STATEMENTS))
        other = client_of(await _sender(own_database, Scope.WRITE_STATEMENTS))
        own, foreign = a_statement(), a_statement()
        await mine.post("/statements", json=own)
        await other.post("/statements", json=foreign)
        assert [one["id"] for one in (await mine.get("/statements")).json()["statements"]] == [own["id"]]
        assert (await mine.get("/statements", params={"statementId": foreign["id"]})).status_code == 404

    async def test_a_token_does_what_its_secret_does(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        client = client_of(auth)
        answer = await client.post("/oauth/token", data={"grant_type": "client_credentials"})
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await client_of().get("/statements", headers=bearer)).status_code == 200


class TestRequests:
    async def test_faults_name_the_property(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        answer = await client_of(auth).post("/statements", json=[a_statement(), a_statement(verb={"id": 7})])
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/1/verb/id"

    @pytest.mark.parametrize("query", ["foo=bar", "limit=1&limit=2", "StatementId=1", "%ff=1"])
    async def test_parameters_are_known_and_given_once(
        self, client_of: ClientOf, auth: tuple[str, str], query: str
    ) -> None:
        answer = await client_of(auth).get(f"/statements?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"].startswith("?")

    async def test_methods_that_are_not_there_are_405(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        assert (await client_of(auth).delete("/statements")).status_code == 405

    async def test_head_is_get_without_the_body(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        client = client_of(auth)
        statement = a_statement()
        await client.post("/statements", json=statement)
        for path, parameters in (("/statements", {"statementId": statement["id"]}), ("/about", {})):
            head, get = await client.head(path, params=parameters), await client.get(path, params=parameters)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["Content-Type"] == get.headers["Content-Type"]

    async def test_a_browser_may_ask_from_elsewhere(self, client_of: ClientOf) -> None:
        answer = await client_of().options("/statements")
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Experience-API-Version" in answer.headers["Access-Control-Allow-Headers"]

    async def test_too_large_a_body_is_413(self, own_database: Database, auth: tuple[str, str]) -> None:
        settings = own_database.settings.model_copy(update={"xapi_request_limit_mebibytes": 1})
        app = XapiEndpoint(settings, lambda: own_database).edge()(PlainTextResponse("the application"))

        async def slowly() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b" " * 500_000

        headers = {"X-Experience-API-Version": "2.0.0", **JSON}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lrs/xapi", auth=auth) as client:
            assert (await client.post("/statements", content=b" " * 1_100_000, headers=headers)).status_code == 413
            assert (await client.post("/statements", content=slowly(), headers=headers)).status_code == 413

    @pytest.mark.parametrize("body", [b"", b"null", b"7", b'"x"', b"{", b"[[]]", b"\xff", b'{"actor": NaN}'])
    async def test_what_is_no_statement_is_400(self, client_of: ClientOf, auth: tuple[str, str], body: bytes) -> None:
        assert (await client_of(auth).post("/statements", content=body, headers=JSON)).status_code == 400

    async def test_an_empty_batch_is_stored_at_once(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        answer = await client_of(auth).post("/statements", json=[])
        assert (answer.status_code, answer.json()) == (200, [])

    async def test_another_id_in_the_body_than_in_the_query_is_400(
        self, client_of: ClientOf, auth: tuple[str, str]
    ) -> None:
        client = client_of(auth)
        answer = await client.put("/statements", params={"statementId": str(uuid4())}, json=a_statement())
        assert answer.json()["errors"][0]["pointer"] == "/id"
        assert (await client.put("/statements", json=a_statement())).status_code == 400


class TestAlternateSyntax:
    async def test_a_form_stands_for_a_put(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        statement = a_statement(id=None)
        identifier = str(uuid4())
        fields = {"statementId": identifier, "content": json.dumps(statement), "X-Experience-API-Version": "1.0.3"}
        client = client_of(auth, None)
        answer = await client.post("/statements?method=PUT", data=fields)
        assert answer.status_code == 204, answer.text
        found = await client.post(
            "/statements?method=GET", data={"statementId": identifier, "X-Experience-API-Version": "1.0.3"}
        )
        assert found.json()["id"] == identifier

    async def test_headers_of_the_form_come_first(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        answer = await client_of(auth, "1.0.3").post(
            "/statements?method=GET", data={"limit": "1", "X-Experience-API-Version": "0.8"}
        )
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        ("path", "body", "headers"),
        [
            ("/statements?method=GET&limit=1", b"limit=1", FORM),
            ("/statements?method=PATCH", b"limit=1", FORM),
            ("/statements?method=GET", b"", FORM),
            ("/statements?method=GET", b"limit=1&limit=2", FORM),
            ("/statements?method=GET", b"{}", JSON),
        ],
    )
    async def test_what_is_no_such_form_is_400(
        self, client_of: ClientOf, auth: tuple[str, str], path: str, body: bytes, headers: dict[str, str]
    ) -> None:
        assert (await client_of(auth, "1.0.3").post(path, content=body, headers=headers)).status_code == 400

    async def test_2_0_has_no_such_forms(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        answer = await client_of(auth).post(
            "/statements?method=GET", content=urlencode({"limit": 1}).encode(), headers=FORM
        )
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "?method"

    async def test_nor_where_the_form_names_2_0(self, client_of: ClientOf, auth: tuple[str, str]) -> None:
        identifier = str(uuid4())
        fields = {"statementId": identifier, "content": json.dumps(a_statement(id=None))}
        fields |= {"X-Experience-API-Version": "2.0.0"}
        answer = await client_of(auth, None).post("/statements?method=PUT", data=fields)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "?method"
        assert (await client_of(auth).get("/statements", params={"statementId": identifier})).status_code == 404
