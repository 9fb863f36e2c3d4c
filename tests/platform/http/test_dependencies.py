"""The session's commit comes before the answer; the caller is who the resolver says."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from academe.platform.database.engine import database_url
from academe.platform.database.session import Database
from academe.platform.http.dependencies import CurrentActor, ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router, page_router
from academe.platform.settings import Settings
from tests.platform.http.conftest import COOKIE, Client
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

router = api_router("/trial", tag="trial")
pages = page_router("/trial")


@router.post("/notes/{number}", status_code=201)
async def write(number: int, session: WriteSession) -> dict[str, int]:
    await session.execute(text("INSERT INTO note (id, parent_id) VALUES (:id, :id)"), {"id": number})
    return {"number": number}


@router.post("/notes/{number}/in-read-session")
async def write_in_read_session(number: int, session: ReadOnlySession) -> None:
    await session.execute(text("INSERT INTO note (id, parent_id) VALUES (:id, 0)"), {"id": number})


@router.post("/notes/{number}/and-fail")
async def write_and_fail(number: int, session: WriteSession) -> None:
    await session.execute(text("INSERT INTO note (id, parent_id) VALUES (:id, 0)"), {"id": number})
    raise RuntimeError("after the write")


@router.get("/whoami")
async def whoami(actor: CurrentActor, session: ReadOnlySession) -> dict[str, str]:
    row = (
        await session.execute(
            text("SELECT current_setting('role') AS role, current_setting('academe.person_id') AS person")
        )
    ).one()
    return {"kind": actor.kind.value, "role": row.role, "person": row.person}


@router.get("/private")
async def private(actor: SignedIn) -> str:
    return actor.kind.value


@pages.get("/private-page")
async def private_page(actor: SignedIn) -> str:
    return actor.kind.value


@pages.post("/private-page")
async def change_private_page(actor: SignedIn) -> str:
    return actor.kind.value


@router.get("/database")
async def database_read(session: ReadOnlySession) -> str:
    return str(await session.scalar(text("SELECT current_database()")))


@router.post("/database")
async def database_written(session: WriteSession) -> str:
    return str(await session.scalar(text("SELECT current_database()")))


@pytest.fixture
def notes(server: ServerOfTests, own_settings: Settings) -> None:
    """A table whose foreign key is checked by the commit and not before."""
    assert own_settings.database_url is not None
    with server.superuser(str(own_settings.database_url.path or "").lstrip("/")) as connection:
        connection.execute(
            "CREATE TABLE note (id integer PRIMARY KEY, parent_id integer NOT NULL"
            " REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        connection.execute("CREATE TABLE parent (id integer PRIMARY KEY)")
        connection.execute("ALTER TABLE note DROP CONSTRAINT note_parent_id_fkey")
        connection.execute(
            "ALTER TABLE note ADD CONSTRAINT fk_note_parent_id FOREIGN KEY (parent_id)"
            " REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED"
        )
        connection.execute("INSERT INTO parent VALUES (1)")
        connection.execute("GRANT SELECT, INSERT ON note, parent TO academe_app")


async def count_of_notes(database: Database) -> int:
    async with database.engine.connect() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM note"))).scalar_one())


@pytest.mark.usefixtures("notes")
class TestWriteSession:
    async def test_commits_before_the_answer(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            answer = await c.post("/api/v1/trial/notes/1")
        assert answer.status_code == 201
        assert await count_of_notes(own_database) == 1

    async def test_a_commit_that_fails_is_not_a_success(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            answer = await c.post("/api/v1/trial/notes/2")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert "number" not in answer.json()
        assert await count_of_notes(own_database) == 0

    async def test_an_exception_after_the_write_leaves_nothing(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            answer = await c.post("/api/v1/trial/notes/1/and-fail")
        assert answer.status_code == 500
        assert "after the write" not in answer.text
        assert await count_of_notes(own_database) == 0

    async def test_a_read_session_cannot_write(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            answer = await c.post("/api/v1/trial/notes/1/in-read-session")
        assert answer.status_code == 500
        assert await count_of_notes(own_database) == 0


class TestActor:
    async def test_nobody_is_anonymous_also_to_the_database(self, client: Client, database: Database) -> None:
        async with client(router, database=database) as c:
            answer = await c.get("/api/v1/trial/whoami")
        assert answer.json() == {"kind": "anonymous", "role": "academe_app", "person": ""}

    async def test_a_person_is_told_to_the_database(self, client: Client, database: Database) -> None:
        async with client(router, database=database) as c:
            answer = await c.get("/api/v1/trial/whoami", headers={"cookie": COOKIE})
        assert answer.json() == {
            "kind": "person",
            "role": "academe_app",
            "person": "01890000-0000-7000-8000-000000000001",
        }


class TestSignedIn:
    async def test_a_program_gets_401(self, client: Client) -> None:
        async with client(router) as c:
            answer = await c.get("/api/v1/trial/private", headers={"accept": "text/html"})
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:academe:problem:authentication-required"
        assert answer.headers["www-authenticate"]

    async def test_a_browser_is_led_to_the_sign_in_page_and_back(self, client: Client) -> None:
        async with client(pages) as c:
            answer = await c.get("/trial/private-page?week=4&all=1", headers={"accept": "text/html,*/*"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=/trial/private-page%3Fweek%3D4%26all%3D1"

    async def test_a_form_of_an_ended_session_leads_to_the_sign_in_page_alone(self, client: Client) -> None:
        headers = {"accept": "text/html", "origin": "http://academe.test"}
        async with client(pages) as c:
            answer = await c.post("/trial/private-page", headers=headers)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in"

    async def test_htmx_is_told_to_go_there_with_the_whole_page(self, client: Client) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": "http://academe.test/trial/list?page=2"}
        async with client(pages) as c:
            answer = await c.get("/trial/private-page", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["hx-redirect"] == "/sign-in?next=/trial/list%3Fpage%3D2"

    async def test_who_is_signed_in_passes(self, client: Client) -> None:
        async with client(router, pages) as c:
            answer = await c.get("/api/v1/trial/private", headers={"cookie": COOKIE})
        assert answer.json() == "person"
        assert answer.headers["cache-control"] == "no-store, private"


class TestReplica:
    @pytest.fixture
    async def with_replica(self, server: ServerOfTests, own_settings: Settings) -> AsyncIterator[Database]:
        """A database whose replica is another one, so that it shows which of the two is asked."""
        name = f"{database_url(own_settings).database}_r"
        url = server.clone(name).database_url
        opened = Database(own_settings.model_copy(update={"database_replica_url": url}))
        yield opened
        await opened.close()
        server.drop(name)

    async def test_reads_there_and_writes_here(self, client: Client, with_replica: Database) -> None:
        here = with_replica.engine.url.database
        async with client(router, database=with_replica) as c:
            assert (await c.post("/api/v1/trial/database")).json() == here
            assert (await c.get("/api/v1/trial/database")).json() == f"{here}_r"

    async def test_a_browser_sees_what_it_has_changed(self, client: Client, with_replica: Database) -> None:
        here = with_replica.engine.url.database
        async with client(router, database=with_replica) as c:
            c.cookies.set("academe_session", "opaque")
            assert (await c.get("/api/v1/trial/database")).json() == f"{here}_r"
            changed = await c.post("/api/v1/trial/database", headers={"origin": "http://academe.test"})
            assert "Max-Age=10" in changed.headers["set-cookie"]
            assert (await c.get("/api/v1/trial/database")).json() == here
            c.cookies.delete("academe_changed")
            assert (await c.get("/api/v1/trial/database")).json() == f"{here}_r"

    async def test_without_a_replica_no_cookie_is_set(self, client: Client, own_database: Database) -> None:
        async with client(router, database=own_database) as c:
            c.cookies.set("academe_session", "opaque")
            changed = await c.post("/api/v1/trial/database", headers={"origin": "http://academe.test"})
        assert changed.status_code == 200
        assert "set-cookie" not in changed.headers
