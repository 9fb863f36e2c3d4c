"""A request that met a transient error of the database runs again, where that is safe."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from academe.platform.database.session import Database
from academe.platform.http import routing
from academe.platform.http.dependencies import ReadOnlySession, WriteSession
from academe.platform.http.routing import ATTEMPTS, api_router, page_router, safe_to_repeat
from academe.platform.settings import Settings
from tests.platform.http.conftest import Client
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio


class Script:
    """Errors to raise, one for each call; then none."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.calls = 0

    def step(self) -> None:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)


script = Script()
router = api_router("/trial", tag="trial")


@router.get("/read")
async def read() -> int:
    script.step()
    return script.calls


@router.post("/write")
async def write() -> int:
    script.step()
    return script.calls


@router.post("/write-again")
@safe_to_repeat
async def write_again() -> int:
    script.step()
    return script.calls


@router.post("/count")
@safe_to_repeat
async def count(session: WriteSession) -> int:
    """Counts in the database, and fails at the commit as long as the trigger says so."""
    await session.execute(text("INSERT INTO tally DEFAULT VALUES"))
    script.step()
    return script.calls


@router.get("/ended-connection")
async def ended_connection(session: ReadOnlySession) -> int:
    script.calls += 1
    if script.calls == 1:
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    return int((await session.execute(text("SELECT 1"))).scalar_one())


@pytest.fixture(autouse=True)
def fresh_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    script.errors, script.calls = [], 0
    monkeypatch.setattr(routing, "_FIRST_PAUSE_SECONDS", 0.0)
    return iter([script])


def transient() -> OperationalError:
    return OperationalError("SELECT", {}, psycopg.errors.SerializationFailure())


class TestRepetition:
    async def test_a_read_runs_again(self, client: Client) -> None:
        script.errors = [transient(), transient()]
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/read")
        assert (answer.status_code, answer.json()) == (200, 3)

    async def test_only_so_often(self, client: Client) -> None:
        script.errors = [transient() for _ in range(ATTEMPTS)]
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/read")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert script.calls == ATTEMPTS

    async def test_a_write_does_not(self, client: Client) -> None:
        script.errors = [transient()]
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/write")
        assert answer.status_code == 503
        assert script.calls == 1

    async def test_a_write_marked_safe_does(self, client: Client) -> None:
        script.errors = [transient()]
        async with client(router) as c:
            answer = await c.post("/api/v1/trial/write-again")
        assert (answer.status_code, answer.json()) == (200, 2)

    async def test_other_faults_do_not(self, client: Client) -> None:
        script.errors = [IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation())]
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/read")
        assert answer.status_code == 409
        assert script.calls == 1

    async def test_a_lost_connection_is_replaced(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            answer = await c.get("/api/v1/trial/ended-connection")
        assert (answer.status_code, answer.json()) == (200, 1)
        assert script.calls == 2

    async def test_a_commit_that_fails_for_a_moment_is_repeated_and_counted_once(
        self, client: Client, server: ServerOfTests, own_settings: Settings, own_database: Database
    ) -> None:
        assert own_settings.database_url is not None
        with server.superuser(str(own_settings.database_url.path).lstrip("/")) as connection:
            connection.execute("CREATE TABLE tally (id integer GENERATED ALWAYS AS IDENTITY)")
            connection.execute("CREATE SEQUENCE commits")
            connection.execute(
                "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                " IF nextval('commits') = 1 THEN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END IF;"
                " RETURN NULL; END $$"
            )
            connection.execute(
                "CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON tally DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION fail_once()"
            )
            connection.execute("GRANT SELECT, INSERT ON tally TO academe_app")
        async with client(router, database=own_database) as c:
            answer = await c.post("/api/v1/trial/count")
        assert (answer.status_code, answer.json()) == (200, 2)
        async with own_database.engine.connect() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM tally"))).scalar_one() == 1


class TestRouters:
    def test_json_is_versioned_and_documented(self) -> None:
        route = api_router("/things", tag="things")
        assert route.prefix == "/api/v1/things"
        assert route.include_in_schema

    def test_pages_are_at_plain_paths_and_no_part_of_the_document(self) -> None:
        route = page_router("/things")
        assert route.prefix == "/things"
        assert not route.include_in_schema
