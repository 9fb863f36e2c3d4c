"""Texts that a sender makes as long as it likes cost neither the memory nor the time of the process."""

import time

import pytest

from academe.lrs.statements.incoming import kind_of
from academe.lrs.statements.shared import Shared
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Session
from tests.lrs.statements.brought import a_statement, batch_of


@pytest.fixture
def actor() -> Actor:
    """The store itself."""
    return system_actor("lrs")


def test_the_kind_of_a_long_type_is_found_at_once() -> None:
    long = "http://example.com/" + "x" * 1_000_000 + "/Quiz"
    started = time.perf_counter()
    assert kind_of(a_statement(object={"id": "urn:x:y", "definition": {"type": long}}), "urn:x:verb") == "quiz"
    assert time.perf_counter() - started < 0.5


@pytest.mark.anyio
async def test_long_names_and_definitions_are_not_remembered(session: Session) -> None:
    shared = Shared()
    connection = await session.connection()
    for number in range(5):
        long = f"{number}" * 100_000
        named = {"mbox": f"mailto:s{number}@example.com", "name": long}
        described = {"id": f"urn:activity:{number}", "definition": {"description": {"en": long}}}
        endless = {"id": f"urn:activity:{long}"}
        batch = batch_of(a_statement(actor=named, object=described), a_statement(object=endless))
        await shared.note(connection, [batch])
    assert len(repr(vars(shared))) < 20_000


@pytest.mark.anyio
async def test_a_definition_that_changes_is_still_noticed(session: Session) -> None:
    shared = Shared()
    connection = await session.connection()
    for name in ("Quiz", "Quiz", "Test"):
        described = {"id": "urn:activity:1", "definition": {"name": {"en": name}}}
        await shared.note(connection, [batch_of(a_statement(object=described))])
    row = await connection.exec_driver_sql("SELECT definition #>> '{name,en}' FROM xapi_activity")
    assert row.scalar_one() == "Test"
