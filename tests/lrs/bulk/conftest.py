"""A sender in whose name files are imported."""

import asyncio

import pytest

from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings


async def _add(settings: Settings) -> None:
    database, actor = Database(settings), system_actor("test")
    try:
        async with database.transaction(actor) as session:
            await create_sender(
                session, actor=actor, name="Mover", key="mover", home_page="https://new.example.org", scopes=[Scope.ALL]
            )
    finally:
        await database.close()


@pytest.fixture
def settings_with_sender(own_settings: Settings) -> Settings:
    """A database of the test's own that knows the sender `mover`."""
    asyncio.run(_add(own_settings))
    return own_settings
