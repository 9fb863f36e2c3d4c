"""An application with the gallery and nothing else, and clients for it."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import SecretStr
from starlette.requests import Request

from academe.platform import styleguide
from academe.platform.actor import Actor, ActorKind
from academe.platform.http.application import build_application
from academe.platform.pages import STATIC_URL, NavigationEntry, PageKit, static_files
from academe.platform.settings import Settings

ADVISOR = Actor(kind=ActorKind.PERSON, label="Ada Okafor", person_id=UUID("01890000-0000-7000-8000-000000000001"))

NAVIGATION = (
    NavigationEntry("Home", "/", "home"),
    NavigationEntry("My students", "/worklist", "heart-handshake", section="Advising"),
    NavigationEntry("Models", "/models", "gauge", lambda actor: actor.has_role("administrator"), "Insight"),
    NavigationEntry("Style guide", "/styleguide", "palette", section="Platform"),
)


async def always_the_advisor(_request: Request) -> Actor:
    """Nobody signs in here."""
    return ADVISOR


@pytest.fixture(scope="session")
def kit() -> PageKit:
    """The kit as a composition root makes it; needs the built front-end, as the application does."""
    return PageKit(
        template_packages=["academe.platform"],
        secret="a secret of these tests alone",
        navigation=NAVIGATION,
        institution="Test University",
        attribution="Data: nobody's, invented for tests.",
    )


@pytest.fixture(scope="session")
def make_app(kit: PageKit) -> Callable[..., FastAPI]:
    """Makes an application of the gallery and further routers."""

    def make(*routers: APIRouter) -> FastAPI:
        settings = Settings(_env_file=None, secret_key=SecretStr("a secret of these tests alone, long enough"))
        app = build_application(settings, [styleguide.router, *routers], resolve_actor=always_the_advisor)
        app.state.page_kit = kit
        app.mount(STATIC_URL, static_files())
        return app

    return make


@pytest.fixture
async def client(make_app: Callable[..., FastAPI]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gallery inside this process."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://academe.test") as connected:
        yield connected
