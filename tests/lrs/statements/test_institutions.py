"""Institutions that share a store: each reads, voids and finds its own; the installation's own senders reach all."""

import asyncio
import hashlib
from dataclasses import replace
from typing import Final

import pytest
from sqlalchemy import select

from academe.lrs.senders.types import Scope, Sender
from academe.lrs.statements.attachments import keep_attachments
from academe.lrs.statements.errors import StatementConflictError, StatementNotFoundError
from academe.lrs.statements.intake import Intake
from academe.lrs.statements.models import XapiStatement
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.platform.database.session import Database, Session
from academe.platform.files.choice import file_store
from academe.platform.ids import new_id
from tests.lrs.statements.brought import batch_of
from tests.lrs.statements.kept import (
    BOB,
    QUIZ,
    VERB,
    Keeper,
    Reader,
    about,
    agent,
    parameters_of,
    sender_named,
    statement,
    voiding,
)
from tests.support.transactions import JoinedDatabase

NORTH: Final = replace(sender_named("north"), institution_id=new_id())
NORTH_TOOL: Final = replace(sender_named("north-tool"), institution_id=NORTH.institution_id)
SOUTH: Final = replace(sender_named("south"), institution_id=new_id())
EVERYWHERE: Final = sender_named("everywhere")
EVERYBODY: Final = (NORTH, NORTH_TOOL, SOUTH, EVERYWHERE)


class Readers:
    """One for each sender."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getitem__(self, sender: Sender) -> Reader:
        return Reader(self._database, sender=sender)


@pytest.fixture
def readers(database: Database) -> Readers:
    return Readers(database)


class TestRead:
    async def test_each_institution_reads_its_own(self, keeper: Keeper, readers: Readers) -> None:
        sent = [(await keeper.keep(statement(), sender=sender))[0] for sender in EVERYBODY]
        of_north, of_south = [sent[1], sent[0]], [sent[2]]
        filters: list[dict[str, str]] = [{}, {"verb": VERB}, {"activity": QUIZ}, {"verb": VERB, "activity": QUIZ}]
        filters += [{"activity": QUIZ, "related_activities": "true"}, {"agent": agent(statement()["actor"])}]
        for given in filters:
            assert await readers[NORTH].ids(**given) == of_north, given
            assert await readers[NORTH_TOOL].ids(**given) == of_north, given
            assert await readers[SOUTH].ids(**given) == of_south, given
            assert await readers[EVERYWHERE].ids(**given) == sent[::-1], given

    async def test_one_by_its_id(self, keeper: Keeper, readers: Readers) -> None:
        (id_,) = await keeper.keep(statement(), sender=NORTH)
        for sender in (NORTH, NORTH_TOOL, EVERYWHERE):
            assert (await readers[sender].result({"statementId": id_}))["id"] == id_
        with pytest.raises(StatementNotFoundError):
            await readers[SOUTH].get({"statementId": id_})

    async def test_what_is_the_installations_own(self, keeper: Keeper, readers: Readers) -> None:
        (id_,) = await keeper.keep(statement(), sender=EVERYWHERE)
        with pytest.raises(StatementNotFoundError):
            await readers[NORTH].get({"statementId": id_})

    async def test_own_ones_only(self, keeper: Keeper, readers: Readers) -> None:
        narrow = replace(NORTH, scopes=frozenset({Scope.READ_OWN_STATEMENTS}))
        (own,) = await keeper.keep(statement(), sender=NORTH)
        await keeper.keep(statement(), sender=NORTH_TOOL)
        assert await readers[narrow].ids(verb=VERB) == [own]

    async def test_the_link_to_more_is_of_no_use_to_another(self, keeper: Keeper, readers: Readers) -> None:
        await keeper.keep(*(statement() for _ in range(3)), sender=NORTH)
        more = parameters_of((await readers[NORTH].result({"limit": "1"}))["more"])
        assert len((await readers[NORTH].result(more))["statements"]) == 1
        with pytest.raises(XapiFault, match="more"):
            await readers[SOUTH].get(more)


class TestVoid:
    async def test_by_its_own_institution(self, keeper: Keeper, readers: Readers) -> None:
        (id_,) = await keeper.keep(statement(), sender=NORTH)
        await keeper.keep(voiding(id_), sender=NORTH_TOOL)
        assert (await readers[NORTH].result({"voidedStatementId": id_}))["id"] == id_

    async def test_by_the_installation(self, keeper: Keeper, readers: Readers) -> None:
        (id_,) = await keeper.keep(statement(), sender=NORTH)
        await keeper.keep(voiding(id_), sender=EVERYWHERE)
        with pytest.raises(StatementNotFoundError):
            await readers[NORTH].get({"statementId": id_})

    @pytest.mark.parametrize("sender", [NORTH, EVERYWHERE])
    async def test_by_another_institution_has_no_effect(self, keeper: Keeper, readers: Readers, sender: Sender) -> None:
        (id_,) = await keeper.keep(statement(), sender=sender)
        await keeper.keep(voiding(id_), sender=SOUTH)
        assert (await readers[sender].result({"statementId": id_}))["id"] == id_

    async def test_before_it_comes(self, keeper: Keeper, readers: Readers) -> None:
        spared, gone = statement(), statement()
        await keeper.keep(voiding(spared["id"]), voiding(gone["id"]), sender=SOUTH)
        await keeper.keep(spared, sender=NORTH)
        await keeper.keep(gone, sender=SOUTH)
        assert await readers[NORTH].ids(verb=VERB) == [spared["id"]]
        with pytest.raises(StatementNotFoundError):
            await readers[SOUTH].get({"statementId": gone["id"]})


class TestReferences:
    @pytest.mark.parametrize("comes_first", ["target", "reference"])
    async def test_lead_to_what_may_be_read_only(self, keeper: Keeper, readers: Readers, comes_first: str) -> None:
        target = statement()
        near, far, outer = about(target["id"]), about(target["id"]), about(target["id"])
        told = [(target, NORTH), (near, NORTH_TOOL), (far, SOUTH), (outer, EVERYWHERE)]
        for one, sender in told if comes_first == "target" else reversed(told):
            await keeper.keep(one, sender=sender)
        assert set(await readers[NORTH].ids(verb=VERB)) == {target["id"], near["id"]}
        assert await readers[SOUTH].ids(verb=VERB) == []
        assert await readers[SOUTH].ids(agent=agent(BOB)) == [far["id"]]
        assert set(await readers[EVERYWHERE].ids(verb=VERB)) == {target["id"], near["id"], outer["id"]}

    async def test_do_not_lead_through_another_institution(self, keeper: Keeper, readers: Readers) -> None:
        target = statement()
        between = about(target["id"])
        beyond = about(between["id"])
        await keeper.keep(target, sender=NORTH)
        await keeper.keep(between, sender=SOUTH)
        await keeper.keep(beyond, sender=NORTH)
        assert await readers[NORTH].ids(verb=VERB) == [target["id"]]


class TestWords:
    async def test_definitions_are_of_the_institution(self, keeper: Keeper, readers: Readers) -> None:
        for sender, name in ((NORTH, "Quiz of the north"), (SOUTH, "Quiz of the south")):
            told = {"id": QUIZ, "definition": {"name": {"en": name}}}
            await keeper.keep(statement(object=told, verb={"id": VERB, "display": {"en": name}}), sender=sender)
        for sender, name in ((NORTH, "Quiz of the north"), (SOUTH, "Quiz of the south")):
            (one,) = (await readers[sender].result({"format": "canonical"}))["statements"]
            assert one["object"]["definition"]["name"] == {"en": name}
            assert one["verb"]["display"] == {"en": name}
        # Who reads all is told of both; which of them has the last word is not said.
        names = {
            one["object"]["definition"]["name"]["en"]
            for one in (await readers[EVERYWHERE].result({"format": "canonical"}))["statements"]
        }
        assert len(names) == 1


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(database, limit_bytes=10 * 2**20)


class TestIdOfAnother:
    async def test_is_refused_whatever_it_says(self, intake: Intake) -> None:
        one = statement()
        await intake.store(batch_of(one, sender=NORTH))
        await intake.store(batch_of(one, sender=NORTH_TOOL))
        await intake.store(batch_of(one, sender=EVERYWHERE))
        for taken in (one, statement(id=one["id"], actor=BOB)):
            with pytest.raises(StatementConflictError) as caught:
                await intake.store(batch_of(taken, sender=SOUTH))
            assert caught.value.status == 409
            assert caught.value.errors[0].field == "/0/id"
            assert "ada" not in str(caught.value)

    async def test_in_one_moment(self, intake: Intake, session: Session) -> None:
        one = statement()
        results = await asyncio.gather(
            *(intake.store(batch_of(one, sender=each)) for each in (NORTH, SOUTH)), return_exceptions=True
        )
        assert [type(each) for each in results] == [type(None), StatementConflictError]
        kept = (await session.scalars(select(XapiStatement))).all()
        assert [each.institution_id for each in kept] == [NORTH.institution_id]


class TestAttachments:
    async def test_whoever_names_a_hash_gets_what_its_institution_brought(
        self, keeper: Keeper, session: Session, database: JoinedDatabase, readers: Readers
    ) -> None:
        """A hash is soon known: a statement with a fileUrl may name it, and brings nothing."""
        essay = b"an essay of the north"
        sha2 = hashlib.sha256(essay).hexdigest()
        await keep_attachments(
            session, file_store(database.settings), [Attachment(sha2, None, essay)], NORTH.institution_id
        )
        described = {
            "usageType": "https://example.com/essay",
            "display": {"en": "An essay"},
            "contentType": "text/plain",
            "length": len(essay),
            "sha2": sha2,
        }
        named = {**described, "fileUrl": "https://example.com/essay"}
        await keeper.keep(statement(attachments=[described]), sender=NORTH)
        await keeper.keep(statement(attachments=[named]), sender=SOUTH)
        sub = {"objectType": "SubStatement", "actor": BOB, "verb": {"id": VERB}, "object": {"id": QUIZ}}
        await keeper.keep(statement(object={**sub, "attachments": [described]}), sender=SOUTH)
        for sender, times in ((NORTH, 1), (NORTH_TOOL, 1), (SOUTH, 0), (EVERYWHERE, 1)):
            body = (await readers[sender].get({"attachments": "true"})).body
            assert body.count(essay) == times, sender.name
