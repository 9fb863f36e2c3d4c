"""Whoever is erased here is not sent on by the old name, and nobody reads the credentials in the database."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from academe.lrs.facts import AgentErased
from academe.lrs.forwarding.progress import forget_agent
from academe.lrs.forwarding.service import retry_letters
from academe.lrs.forwarding.types import ForwardFilter
from academe.lrs.keys import key_uuid
from academe.lrs.privacy.service import erase_agent
from academe.platform.database.discovery import import_models
from academe.platform.encryption.rotation import rotate_keys
from tests.lrs.forwarding.misbehaving import accepting, answering, misbehaving, refusing
from tests.lrs.forwarding.stores import SYSTEM, Here, statement

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_whoever_was_erased_is_not_sent_by_the_old_name(here: Here) -> None:
    await here.send(statement(1), statement(2))
    refused = refusing(lambda each: True, 400, "mailto:student1@example.com is unknown here")
    async with misbehaving(answering(503)) as store:
        agents = [key_uuid("mbox:student1@example.com")]
        forward = await here.add_forward(store.endpoint, wanted=ForwardFilter(agents=agents), since=LONG_AGO)
        await here.turn(forward)
        store.replies[:] = [refused]
        await here.turn(forward)
        assert [each.answer for each in await here.letters(forward)] == ["mailto:student1@example.com is unknown here"]
        asked = len(store.asked)
        await erase_agent(here.database, actor=SYSTEM, agent_key_text="mbox:student1@example.com")
        async with here.database.transaction(SYSTEM) as session:
            facts = await session.execute(text("SELECT payload FROM outbox_message WHERE kind = 'lrs.agent_erased'"))
            for (payload,) in facts.all():
                fact = AgentErased(UUID(payload["agent_key"]), UUID(payload["pseudonym_key"]))
                await forget_agent(session, fact)
            await retry_letters(session, actor=SYSTEM, forward_id=forward)
        assert [each.answer for each in await here.letters(forward)] == [""]
        assert agents != (await here.forward(forward)).filter.agents
        await here.turn(forward)
        bodies = b"".join(each.body for each in store.asked[asked:])
        assert b"urn:academe:erased" in bodies
        assert b"student1@" not in bodies


async def test_halves_of_a_batch_are_read_anew(here: Here) -> None:
    """Somebody is erased while the other store thinks about the whole batch."""
    await here.send(statement(1), statement(2))

    async def erasing(request: Any, writer: asyncio.StreamWriter) -> None:
        await erase_agent(here.database, actor=SYSTEM, agent_key_text="mbox:student2@example.com")
        await answering(400)(request, writer)

    async with misbehaving(erasing, accepting) as store:
        forward = await here.add_forward(store.endpoint, since=LONG_AGO)
        assert (await here.turn(forward)).delivered == 2
        assert b"student2@" in store.asked[0].body
        assert b"student2@" not in b"".join(each.body for each in store.asked[1:])


async def test_credentials_are_encrypted_and_survive_the_rotation_of_keys(here: Here) -> None:
    await here.send(statement(1))
    async with misbehaving(accepting) as store:
        forward = await here.add_forward(store.endpoint, key="us", secret="sesame-öffne", since=LONG_AGO)
        async with here.database.transaction(SYSTEM) as session:
            raw = (await session.execute(text("SELECT key, secret FROM xapi_forward"))).one()
        assert b"sesame" not in bytes(raw[1])
        rotation = await rotate_keys(here.database, import_models())
        assert rotation.fields == 2
        async with here.database.transaction(SYSTEM) as session:
            assert bytes((await session.execute(text("SELECT secret FROM xapi_forward"))).scalar_one()) != raw[1]
        await here.turn(forward)
        expected = httpx.BasicAuth("us", "sesame-öffne")
        request = next(expected.auth_flow(httpx.Request("POST", store.endpoint)))
        assert store.asked[0].headers["authorization"] == request.headers["Authorization"]
