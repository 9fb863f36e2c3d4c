"""The pages of background work: for whoever asked, and for nobody else."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update
from starlette.requests import Request

from academe.app import create_app
from academe.platform.actor import ANONYMOUS, Actor, ActorKind
from academe.platform.clock import now
from academe.platform.database.session import Session
from academe.platform.jobs import enqueue
from academe.platform.jobs.models import Job
from academe.platform.jobs.types import JobStatus
from academe.platform.settings import Settings
from tests.platform.jobs.kinds import Count, count
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

Visit = Callable[[Actor], AbstractAsyncContextManager[httpx.AsyncClient]]

ASKED = Actor(ActorKind.PERSON, "Ada Example", uuid4())
STRANGER = Actor(ActorKind.PERSON, "Bo Example", uuid4())


@pytest.fixture
def visit(settings: Settings, database: JoinedDatabase) -> Visit:
    """The application in front of the test's transaction, with the caller given instead of signed in."""

    @asynccontextmanager
    async def browse(actor: Actor) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(settings, database)

        async def resolve(request: Request) -> Actor:
            return actor

        app.state.resolve_actor = resolve
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://academe.test", headers=headers) as client:
            yield client

    return browse


@pytest.fixture
async def job_id(session: Session) -> UUID:
    """A job that ASKED has asked for."""
    async with as_actor(session, ASKED):
        return await enqueue(session, actor=ASKED, job=count, arguments=Count(to=3))


async def change(session: Session, **values: object) -> None:
    await session.execute(update(Job).values(values))
    await session.flush()


class TestShowJob:
    async def test_anonymous_is_sent_to_sign_in(self, visit: Visit, job_id: UUID) -> None:
        async with visit(ANONYMOUS) as client:
            answer = await client.get(f"/jobs/{job_id}")
        assert answer.status_code == 303
        assert "/sign-in" in answer.headers["location"]

    async def test_a_stranger_finds_nothing(self, visit: Visit, job_id: UUID) -> None:
        async with visit(STRANGER) as client:
            assert (await client.get(f"/jobs/{job_id}")).status_code == 404
            assert "Counting" not in (await client.get("/jobs")).text

    async def test_who_asked_sees_how_far_it_is(self, visit: Visit, job_id: UUID, session: Session) -> None:
        await change(session, status=JobStatus.RUNNING, progress=40, message="2 of 5 lines")
        async with visit(ASKED) as client:
            page = (await client.get(f"/jobs/{job_id}")).text
            part = (await client.get(f"/jobs/{job_id}", headers={"HX-Request": "true"})).text
            assert "Counting" in (await client.get("/jobs")).text
        for text in (page, part):
            assert "2 of 5 lines" in text
            assert 'hx-trigger="every 1s"' in text
        assert "<html" in page
        assert "<html" not in part

    async def test_a_job_that_is_over_is_not_asked_for_again(
        self, visit: Visit, job_id: UUID, session: Session
    ) -> None:
        result = {"summary": "3 students were enrolled.", "href": "/offerings", "new_students": 3}
        await change(session, status=JobStatus.SUCCEEDED, progress=100, result=result, finished_at=now())
        async with visit(ASKED) as client:
            page = (await client.get(f"/jobs/{job_id}")).text
        assert "every 1s" not in page
        assert "3 students were enrolled." in page
        assert "New students" in page
        assert "/cancel" not in page


class TestCancelJob:
    async def test_a_stranger_may_not(self, visit: Visit, job_id: UUID) -> None:
        async with visit(STRANGER) as client:
            assert (await client.post(f"/jobs/{job_id}/cancel")).status_code == 404

    async def test_who_asked_may(self, visit: Visit, job_id: UUID, session: Session) -> None:
        async with visit(ASKED) as client:
            answer = await client.post(f"/jobs/{job_id}/cancel")
            assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{job_id}")
            assert "Cancelled" in (await client.get(f"/jobs/{job_id}")).text
            again = await client.post(f"/jobs/{job_id}/cancel")
        assert again.status_code == 409
