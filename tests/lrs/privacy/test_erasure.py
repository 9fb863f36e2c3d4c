"""An agent that is erased: gone from every place where an agent can stand, and nothing else changed."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from academe.lrs.keys import key_uuid
from academe.lrs.privacy.errors import AgentSendsError, NoAgentError
from academe.lrs.privacy.naming import key_of_text
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE, Erasure
from academe.lrs.senders.service import create_sender, revoke_sender
from academe.lrs.statements.models import XapiAttachment
from academe.lrs.xapi.identity import identifier_of, key_of
from academe.lrs.xapi.versions import Version
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.outbox.models import OutboxMessage
from tests.lrs.documents.calls import AGENT_PROFILE, STATE, Client
from tests.lrs.statements.kept import ADA, BOB, QUIZ, VERB, Keeper, Reader, about, sender_named, statement
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

ACCOUNT = {"homePage": "https://campus.example.edu", "name": "s|4711"}
SHA1 = "f427d80dc332a166bf5f160ec15f009ce7e68c4c"
IDENTIFIERS: Sequence[dict[str, Any]] = (
    {"mbox": "mailto:eve@Example.COM"},
    {"mbox_sha1sum": SHA1.upper()},
    {"openid": "https://eve.example.net/"},
    {"account": ACCOUNT},
)
SIGNATURE = "http://adlnet.gov/expapi/attachments/signature"
_TABLES = text(
    "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    " AND NOT c.relispartition AND c.relname ~ '^(xapi_|audit|outbox|procrastinate_)'"
    " AND has_table_privilege(c.oid, 'SELECT')"
)


@pytest.fixture
def actor() -> Actor:
    return system_actor("lrs")


@pytest.fixture
def keeper(session: Session) -> Keeper:
    return Keeper(session)


def in_every_place(eve: dict[str, Any]) -> list[dict[str, Any]]:
    """Statements with an agent in each place that a version has for it."""
    named = {**eve, "name": "Eve Example"}
    group = {"objectType": "Group", "mbox": "mailto:team@example.com", "member": [ADA, named]}
    anonymous = {"objectType": "Group", "member": [named]}
    sub = {
        "objectType": "SubStatement",
        "actor": named,
        "verb": {"id": VERB},
        "object": {"objectType": "Agent", **named},
        "context": {"instructor": named, "team": group},
    }
    relevant = ["http://example.com/role"]
    nested: Any = named
    for _ in range(40):
        nested = {"in": [nested]}
    return [
        statement(actor=named),
        statement(actor={"objectType": "Group", **named, "member": [ADA]}),
        statement(actor=group),
        statement(actor=anonymous),
        statement(object={"objectType": "Agent", **named}),
        statement(object=anonymous),
        statement(context={"instructor": named}),
        statement(context={"team": {"objectType": "Group", **named}}),
        statement(context={"team": group}),
        statement(
            context={"contextAgents": [{"objectType": "contextAgent", "agent": named, "relevantTypes": relevant}]}
        ),
        statement(
            context={"contextGroups": [{"objectType": "contextGroup", "group": group, "relevantTypes": relevant}]}
        ),
        statement(actor=BOB, object=sub),
        statement(actor=named, result={"extensions": {"http://example.com/deep": nested}}),
    ]


async def everything(session: Session) -> str:
    """Every row of every table of the store, and of what is said beside it, as text."""
    rows = []
    tables = (await session.scalars(_TABLES)).all()
    assert {"xapi_statement", "xapi_alias_key", "xapi_document", "xapi_sender", "audit_entry"} <= set(tables)
    for table in tables:
        rows += [str(row) for row in await session.scalars(text(f'SELECT t::text FROM "{table}" t'))]
    return "\n".join(rows).lower()


def traces_of(eve: dict[str, Any]) -> list[str]:
    key = key_of(eve)
    assert key is not None
    said = {"mbox": "eve@example.com", "sha1": SHA1, "openid": "eve.example.net", "account": "4711"}
    return [said[key.partition(":")[0]], str(key_uuid(key)), "eve example"]


async def erased(database: JoinedDatabase, agent: dict[str, Any] | str, actor: Actor | None = None) -> Erasure:
    asked = agent if isinstance(agent, str) else json.dumps(agent)
    return await erase_agent(database, actor=actor or system_actor("test"), agent_key_text=asked)


@pytest.mark.parametrize("eve", IDENTIFIERS, ids=lambda eve: next(iter(eve)))
async def test_nothing_of_the_agent_is_left_anywhere(
    eve: dict[str, Any], session: Session, keeper: Keeper, database: JoinedDatabase
) -> None:
    given = in_every_place(eve)
    targets = await keeper.keep(*given)
    await keeper.keep(*(about(target, actor=ADA) for target in targets))
    other = statement(actor=BOB)
    await keeper.keep(other)
    before = await everything(session)
    assert all(trace in before for trace in traces_of(eve)), "the test could not see the agent in the first place"
    result = await erased(database, eve)
    session.expire_all()
    after = await everything(session)
    # The fact alone names the key by which others know the agent; it goes when it is delivered.
    facts = (await session.scalars(select(OutboxMessage))).all()
    assert [fact.payload["agent_key"] for fact in facts if fact.kind == "lrs.agent_erased"] == [
        str(key_uuid(str(key_of(eve))))
    ]
    identifier, key, name = traces_of(eve)
    assert identifier not in after
    assert name not in after
    assert after.count(key) == len(facts)
    assert result.statements == len(given)
    assert "bob@example.com" in after


@pytest.mark.parametrize("eve", IDENTIFIERS, ids=lambda eve: next(iter(eve)))
async def test_the_statements_are_found_by_the_pseudonym_as_before_by_the_agent(
    eve: dict[str, Any], keeper: Keeper, database: JoinedDatabase
) -> None:
    targets = await keeper.keep(*in_every_place(eve))
    await keeper.keep(*(about(target, actor=ADA) for target in targets))
    reader = Reader(database)
    asked = json.dumps(eve)
    narrow = await reader.ids(agent=asked)
    broad = await reader.ids(agent=asked, related_agents="true")
    assert len(broad) == 2 * len(targets) > len(narrow) > 0
    result = await erased(database, eve)
    pseudonym = json.dumps({"account": {"homePage": HOME_PAGE, "name": result.pseudonyms[0]}})
    assert await reader.ids(agent=asked) == await reader.ids(agent=asked, related_agents="true") == []
    assert await reader.ids(agent=pseudonym) == narrow
    assert await reader.ids(agent=pseudonym, related_agents="true") == broad


async def test_nothing_else_of_a_statement_changes(keeper: Keeper, database: JoinedDatabase) -> None:
    eve = IDENTIFIERS[0]
    given = statement(
        actor={"objectType": "Agent", **eve, "name": "Eve Example"},
        object={"id": QUIZ, "definition": {"extensions": {"http://example.com/x": [1.50, 10**20, None, {}, [], "é"]}}},
        context={"instructor": BOB},
    )
    await keeper.keep(given)
    reader = Reader(database)
    before = await reader.result({"statementId": given["id"]})
    result = await erased(database, eve)
    after = await reader.result({"statementId": given["id"]})
    account = {"homePage": HOME_PAGE, "name": result.pseudonyms[0]}
    assert after == before | {"actor": {"objectType": "Agent", "account": account}}


async def test_an_address_is_erased_with_its_hash_and_case_of_its_domain(
    keeper: Keeper, database: JoinedDatabase
) -> None:
    hashed = hashlib.sha1(b"mailto:eve@example.com", usedforsecurity=False).hexdigest()
    both = {"objectType": "Group", "member": [{"mbox": "mailto:eve@example.com"}, {"mbox_sha1sum": hashed}]}
    await keeper.keep(statement(actor={"mbox": "mailto:eve@EXAMPLE.com"}), statement(actor=both))
    result = await erased(database, "mbox:eve@Example.com")
    assert len(result.pseudonyms) == 2
    assert result.statements == 3, "one statement names both and counts for each"
    assert await Reader(database).ids(agent=json.dumps({"mbox_sha1sum": hashed})) == []


async def test_documents_go(session: Session, database: JoinedDatabase, actor: Actor) -> None:
    client = Client(database, Version.TWO)
    agent = {"account": ACCOUNT}
    for resource in (STATE, AGENT_PROFILE):
        await client.put_anew(resource, "{}", agent=json.dumps(agent))
        await client.put_anew(resource, "{}")
    assert (await erased(database, agent)).documents == 2
    assert await client.ids(STATE) == await client.ids(AGENT_PROFILE) == ["bookmark"]
    assert await client.ids(STATE, agent=json.dumps(agent)) == []


async def test_the_evidence_is_kept_in_hashes_and_a_number(
    session: Session, keeper: Keeper, database: JoinedDatabase
) -> None:
    eve = IDENTIFIERS[0]
    await keeper.keep(statement(actor=eve), statement(actor=eve))
    result = await erased(database, eve)
    key = key_uuid(f"account:{HOME_PAGE}|{result.pseudonyms[0]}")
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.subject_id == key))).one()
    assert (entry.action, entry.summary) == ("xapi_agent.erased", "Agent erased from 2 statements")
    assert entry.changes is not None
    assert entry.changes["hash"] == [result.before, result.after]
    kept = await session.scalars(
        text("SELECT statement::text FROM xapi_statement WHERE agent_key = :key ORDER BY stored"), {"key": key}
    )
    chained = b""
    for one in kept:
        chained = hashlib.sha256(chained + one.encode()).digest()
    assert chained.hex() == result.after != result.before


async def test_signatures_go_for_they_are_over_the_statement_as_it_was(
    session: Session, keeper: Keeper, database: JoinedDatabase
) -> None:
    sha2, other = "a" * 64, "b" * 64
    for name in (sha2, other):
        session.add(XapiAttachment(sha2=name, digest=name, content_type="text/plain", length=1))
    await session.flush()
    parts = {"display": {"en": "x"}, "contentType": "application/octet-stream", "length": 1}
    attachments = [
        {"usageType": SIGNATURE, "sha2": sha2.upper(), **parts},
        {"usageType": "http://example.com/photo", "sha2": other, **parts},
    ]
    await keeper.keep(statement(actor=IDENTIFIERS[0], attachments=attachments))
    result = await erased(database, IDENTIFIERS[0])
    assert (result.signatures, result.files) == (1, (sha2,))
    assert (await session.scalars(select(XapiAttachment.sha2))).all() == [other]


async def test_the_authority_of_a_sender_goes_once_it_is_revoked(
    session: Session, keeper: Keeper, database: JoinedDatabase
) -> None:
    system = system_actor("test")
    agent = {"objectType": "Agent", "mbox": "mailto:eve@example.com"}
    issued = await create_sender(session, actor=system, name="Eve's", home_page="https://x.example", authority=agent)
    sender = issued.sender
    one = sender_named("eve")
    by_eve = type(one)(sender.id, sender.name, agent, sender.authority_key, one.scopes)
    await keeper.keep(statement(actor=BOB), sender=by_eve)
    with pytest.raises(AgentSendsError):
        await erased(database, agent)
    await revoke_sender(session, actor=system, sender_id=sender.id)
    result = await erased(database, agent)
    session.expire_all()
    assert "eve@example.com" not in await everything(session)
    account = {"homePage": HOME_PAGE, "name": result.pseudonyms[0]}
    found = await Reader(database).result()
    assert [shown["authority"] for shown in found["statements"]] == [{"objectType": "Agent", "account": account}]


async def test_nobody_known_leaves_no_entry(session: Session, database: JoinedDatabase) -> None:
    assert await erased(database, {"mbox": "mailto:nobody@example.com"}) == Erasure(0, 0, 0, (), "", "")
    actions = (await session.scalars(select(AuditEntry.action))).all()
    assert "xapi_agent.erased" not in actions


@pytest.mark.parametrize("given", ["", "eve", "mbox:", "mbox:eve", "{", "{}", "[]", '{"name":"Eve"}', "sha1:12"])
def test_what_is_no_agent_is_refused(given: str) -> None:
    with pytest.raises(NoAgentError):
        key_of_text(given)


@pytest.mark.parametrize("eve", IDENTIFIERS, ids=lambda eve: next(iter(eve)))
def test_an_agent_and_its_key_say_the_same(eve: dict[str, Any]) -> None:
    key = key_of_text(json.dumps(eve))
    assert key_of_text(key) == key
    assert key_of(identifier_of(key)) == key


async def test_the_application_itself_may_still_change_no_statement(session: Session, keeper: Keeper) -> None:
    await keeper.keep(statement())
    with pytest.raises(DBAPIError, match="permission denied"):
        await session.execute(text("UPDATE xapi_statement SET statement = '{}'"))


async def test_only_academe_itself_opens_the_door(session: Session, two_schools: TwoSchools) -> None:
    async with as_actor(session, two_schools.home.actor("administrator")):
        with pytest.raises(DBAPIError, match="only Academe itself"):
            async with session.begin_nested():
                await session.execute(text("SELECT erase_xapi_agent('mbox:a@b', :k, 'p', :k, '')"), {"k": UUID(int=1)})


class TestWho:
    async def test_administrators_erase_what_their_own_senders_reported(
        self, session: Session, keeper: Keeper, database: JoinedDatabase, two_schools: TwoSchools
    ) -> None:
        home = two_schools.home
        issued = await create_sender(
            session,
            actor=system_actor("test"),
            name="Moodle",
            home_page="https://x.example",
            institution_id=home.institution.id,
        )
        moodle = replace(sender_named("moodle"), id=issued.sender.id, institution_id=home.institution.id)
        await keeper.keep(statement(actor=IDENTIFIERS[0]), sender=moodle)
        for stranger in (home.actor("registrar"), two_schools.away.actor("administrator")):
            with pytest.raises(PermissionDeniedError):
                await erased(database, IDENTIFIERS[0], stranger)
        administrator = home.actor("administrator")
        assert (await erased(database, IDENTIFIERS[0], administrator)).statements == 1
        asked_by = AuditEntry.actor_person_id == administrator.person_id
        request = (await session.scalars(select(AuditEntry).where(asked_by))).one()
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "xapi_agent.erased"))).one()
        assert entry.changes is not None
        assert (request.action, entry.changes["request"]) == ("xapi_erasure.requested", str(request.subject_id))

    async def test_what_the_installations_own_senders_reported_is_erased_on_the_command_line(
        self, keeper: Keeper, database: JoinedDatabase, two_schools: TwoSchools
    ) -> None:
        await keeper.keep(statement(actor=IDENTIFIERS[0]))
        with pytest.raises(PermissionDeniedError, match="command line"):
            await erased(database, IDENTIFIERS[0], two_schools.home.actor("administrator"))
