"""An application of the edge alone, and a client for it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.requests import Request

from academe.platform.actor import ANONYMOUS, Actor, ActorKind
from academe.platform.database.session import Database
from academe.platform.http.application import build_application
from academe.platform.settings import Settings

PERSON = UUID("01890000-0000-7000-8000-000000000001")
SIGNED_IN = Actor(kind=ActorKind.PERSON, label="Test Person", person_id=PERSON)
COOKIE = "academe_session=opaque"


async def actor_by_cookie(request: Request) -> Actor:
    """Whoever brings a session cookie is the one test person."""
    return SIGNED_IN if "academe_session" in request.cookies else ANONYMOUS


class Client(Protocol):
    """Opens a client of an application made of the routers."""

    def __call__(
        self, *routers: APIRouter, settings: Settings | None = None, database: Database | None = None
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """A client inside this process; an exception that leaves the application fails the test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://academe.test")


@pytest.fixture
def plain_settings() -> Settings:
    """Settings without a database, for what never asks for one."""
    secret = SecretStr("a secret of these tests alone, long enough")
    return Settings(_env_file=None, secret_key=secret)


@pytest.fixture
def client(plain_settings: Settings) -> Client:
    """`async with client(router) as c:` - the edge around the router's routes."""

    @asynccontextmanager
    async def opened(
        *routers: APIRouter, settings: Settings | None = None, database: Database | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        app = build_application(settings or plain_settings, routers, database=database, resolve_actor=actor_by_cookie)
        async with client_of(app) as connected:
            yield connected

    return opened
