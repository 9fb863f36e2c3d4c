"""The whole application in front of the test's transaction, and browsers that are signed in."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from academe.app import create_app
from academe.identity.models import Account
from academe.identity.sign_in.passwords import hashed
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from tests.schools import School, TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

PASSWORD = "four quiet words here"

SignIn = Callable[[School, str], Awaitable[httpx.AsyncClient]]


@pytest.fixture
def home(two_schools: TwoSchools) -> School:
    """The school whose people the test is about."""
    return two_schools.home


@pytest.fixture
def away(two_schools: TwoSchools) -> School:
    """The school next door."""
    return two_schools.away


@pytest.fixture
def app(settings: Settings, database: JoinedDatabase) -> FastAPI:
    """The application, whose every commit is part of the test's transaction."""
    return create_app(settings, database)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is not signed in; it says where its requests come from, as browsers do."""
    async with browser_of(app) as client:
        yield client


def browser_of(app: FastAPI) -> httpx.AsyncClient:
    """A browser on the application's own pages."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://academe.test",
        headers={"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "User-Agent": "Firefox/140 (X11; Linux)"},
    )


@pytest.fixture(scope="session")
async def password_hash(anyio_backend: str) -> str:
    """The hash of PASSWORD, made once because it takes its time."""
    return await hashed(PASSWORD)


async def give_password(session: Session, account: Account, password_hash: str) -> None:
    """Let the holder of an account of the fixture sign in with PASSWORD."""
    async with as_actor(session, system_actor("test")):
        account.password_hash = password_hash
        await session.flush()


@pytest.fixture
async def sign_in_as(app: FastAPI, session: Session, password_hash: str) -> AsyncIterator[SignIn]:
    """`await sign_in_as(home, "lecturer")` is a browser of that person, signed in by the form."""
    opened: list[httpx.AsyncClient] = []

    async def signed_in(school: School, who: str) -> httpx.AsyncClient:
        await give_password(session, school.accounts[who], password_hash)
        client = browser_of(app)
        opened.append(client)
        answer = await client.post("/sign-in", data={"email": school.accounts[who].email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    yield signed_in
    for client in opened:
        await client.aclose()
