"""The documents of a person who is erased."""

import json

import pytest
from sqlalchemy import select

from academe.lrs.documents.service import erase_documents_of
from academe.lrs.keys import key_uuid
from academe.lrs.xapi.versions import Version
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from tests.lrs.documents.calls import ACTIVITY_PROFILE, AGENT_PROFILE, SENDER, STATE, Client
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

OTHER = {"agent": json.dumps({"mbox": "mailto:ada@example.com"})}


async def test_only_academe_erases(session: Session) -> None:
    with pytest.raises(PermissionDeniedError):
        await erase_documents_of(session, actor=ANONYMOUS, agent=SENDER.authority_key)


async def test_states_and_profiles_of_the_agent_go(session: Session, actor: Actor, database: JoinedDatabase) -> None:
    client = Client(database, Version.TWO)
    for resource in (STATE, ACTIVITY_PROFILE, AGENT_PROFILE):
        await client.put_anew(resource, "{}")
    await client.put_anew(STATE, "{}", stateId="second", registration="ec531277-b57b-4c15-8d91-d292c5b2b8f7")
    await client.put_anew(STATE, "{}", **OTHER)
    assert await erase_documents_of(session, actor=actor, agent=SENDER.authority_key) == 3
    assert await client.ids(STATE) == await client.ids(AGENT_PROFILE) == []
    assert await client.ids(ACTIVITY_PROFILE) == ["bookmark"]
    assert await client.ids(STATE, **OTHER) == ["bookmark"]
    await session.finish()
    found = select(AuditEntry.summary).where(AuditEntry.subject_id == key_uuid(SENDER.authority_key))
    assert (await session.scalars(found)).all() == ["Documents of an agent erased: 3"]


async def test_nothing_to_erase_leaves_no_entry(session: Session, actor: Actor) -> None:
    assert await erase_documents_of(session, actor=actor, agent=SENDER.authority_key) == 0
    assert not session.before_commit
