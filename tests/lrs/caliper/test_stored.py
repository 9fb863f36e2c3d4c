"""Envelopes all the way into the store: kept exactly, once, and found like any other statement."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from academe.lrs.caliper.statements import ORIGINAL
from academe.lrs.http.caliper import receive
from academe.lrs.http.exchange import Call
from academe.lrs.keys import key_uuid
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.statements.errors import StatementConflictError
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.statements.intake import ACTOR, Intake
from academe.lrs.statements.models import XapiActivity, XapiStatement, XapiStatementActivity, XapiStatementAgent
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.ids import new_id
from tests.lrs.caliper.samples import (
    CAMPUS,
    CONTEXT,
    COURSE,
    EVENT_ID,
    EVERY_PROFILE,
    QUIZ,
    SENDER,
    entity,
    envelope,
    graded,
    submitted,
)

pytestmark = pytest.mark.anyio

STUDENT_KEY = key_uuid(f"account:{CAMPUS}/people|s1200345")


@pytest.fixture
async def intake(own_database: Database) -> AsyncIterator[Intake]:
    opened = Intake(own_database, limit_bytes=1_000_000)
    yield opened
    await opened.close()


async def send(database: Database, intake: Intake, *data: dict[str, Any]) -> None:
    """What a sensor does."""
    sender = Sender(new_id(), "A tool", SENDER, key_of(SENDER) or "", frozenset({Scope.ALL}))
    body = json.dumps(envelope(*data)).encode()
    call = Call("POST", "caliper", {}, {"content-type": "application/json"}, body, Version.TWO, sender, database)

    async def store(statements: list[dict[str, Any]], version: Version) -> None:
        taken = incoming(statements, version, sender)
        await intake.store(Batch(taken, version, sender, len(body), may_define=True, is_array=True))

    assert (await receive(call, store)).status == 200


async def rows(database: Database) -> list[XapiStatement]:
    async with database.reading(ACTOR) as session:
        return list(await session.scalars(select(XapiStatement).order_by(XapiStatement.stored)))


async def test_an_event_is_kept_exactly_with_what_filters_and_rollups_need(
    own_database: Database, intake: Intake
) -> None:
    await send(own_database, intake, submitted())
    (row,) = await rows(own_database)
    assert row.statement["context"]["extensions"][ORIGINAL] == submitted()
    assert str(row.id) == EVENT_ID.removeprefix("urn:uuid:")
    assert (row.agent_key, row.activity_key) == (STUDENT_KEY, key_uuid(QUIZ))
    assert (row.kind, row.duration_seconds) == ("assessment", 750.0)
    assert row.happened_at.isoformat() == "2026-11-21T10:25:30+00:00"
    async with own_database.reading(ACTOR) as session:
        mentioned = set(await session.scalars(select(XapiStatementActivity.activity_key)))
        known = (await session.scalars(select(XapiActivity).where(XapiActivity.iri == QUIZ))).one()
    assert key_uuid(COURSE) in mentioned
    assert known.definition["name"] == {"und": "Cells and tissues"}


async def test_a_grade_is_found_by_the_student_it_is_about(own_database: Database, intake: Intake) -> None:
    await send(own_database, intake, graded(scoreGiven=15.0, maxScore=20.0))
    (row,) = await rows(own_database)
    assert row.agent_key != STUDENT_KEY
    async with own_database.reading(ACTOR) as session:
        assert STUDENT_KEY in set(await session.scalars(select(XapiStatementAgent.agent_key)))


async def test_events_of_every_profile_are_kept(own_database: Database, intake: Intake) -> None:
    events = [
        {**each, "id": f"urn:uuid:0b9c7fd2-3f3e-4e0b-8f2a-{number:012}"}
        for number, each in enumerate(EVERY_PROFILE.values())
    ]
    await send(own_database, intake, *events)
    assert [row.statement["context"]["extensions"][ORIGINAL] for row in await rows(own_database)] == events


async def test_an_envelope_that_is_sent_again_changes_nothing(own_database: Database, intake: Intake) -> None:
    page = {"@context": CONTEXT, **entity("Page", "notes/4", name="Membranes")}
    for _ in range(2):
        await send(own_database, intake, page, submitted())
    assert len(await rows(own_database)) == 2


async def test_another_event_with_a_known_id_is_refused(own_database: Database, intake: Intake) -> None:
    await send(own_database, intake, submitted())
    with pytest.raises(StatementConflictError):
        await send(own_database, intake, submitted() | {"action": "Started"})
    (row,) = await rows(own_database)
    assert row.id == UUID(EVENT_ID)
    assert row.statement["verb"]["display"] == {"en": "submitted"}
