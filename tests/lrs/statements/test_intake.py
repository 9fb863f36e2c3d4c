"""The intake: stored once and whole, in groups, in the order of the commits, and never changed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text

from academe.lrs.keys import key_uuid
from academe.lrs.statements.errors import IntakeFullError, StatementConflictError
from academe.lrs.statements.intake import ACTOR, Intake
from academe.lrs.statements.models import (
    XapiActivity,
    XapiAgent,
    XapiAlias,
    XapiReference,
    XapiStatement,
    XapiStatementActivity,
    XapiStatementAgent,
    XapiStatementId,
    XapiVerb,
    XapiVoided,
)
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.errors import ServiceUnavailableError
from tests.lrs.statements.brought import AUTHORITY, VOIDED, a_statement, about, batch_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def intake(own_database: Database) -> AsyncIterator[Intake]:
    opened = Intake(own_database, limit_bytes=100_000)
    yield opened
    await opened.close()


async def everything(database: Database, *columns: Any) -> list[Any]:
    async with database.reading(ACTOR) as session:
        return list(await session.execute(select(*columns).order_by(columns[0])))


async def count(database: Database, model: Any) -> int:
    async with database.reading(ACTOR) as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


class TestStoring:
    async def test_a_statement_is_kept_with_what_filters_need(self, own_database: Database, intake: Intake) -> None:
        registration = str(uuid4())
        statement = a_statement(
            object={"id": "https://campus.example.edu/quiz/4", "definition": {"type": "http://example.com/types/Quiz"}},
            result={"duration": "PT1M30S"},
            timestamp="2026-11-21T11:00:00+01:00",
            context={
                "registration": registration,
                "instructor": {"mbox": "mailto:bo@example.com"},
                "contextActivities": {"parent": {"id": "https://campus.example.edu/course"}},
            },
        )
        await intake.store(batch_of(statement))
        async with own_database.reading(ACTOR) as session:
            row = (await session.execute(select(XapiStatement))).scalar_one()
        assert row.id == UUID(statement["id"])
        assert row.agent_key == key_uuid("mbox:ada@example.com")
        assert row.verb_key == key_uuid("http://adlnet.gov/expapi/verbs/completed")
        assert row.activity_key == key_uuid("https://campus.example.edu/quiz/4")
        assert (row.registration, row.kind, row.duration_seconds) == (UUID(registration), "quiz", 90.0)
        assert row.happened_at.isoformat() == "2026-11-21T10:00:00+00:00"
        assert row.statement["timestamp"] == "2026-11-21T10:00:00.000Z"
        assert row.statement["context"]["contextActivities"] == {
            "parent": [{"id": "https://campus.example.edu/course"}]
        }
        assert not row.statement.keys() & {"id", "stored", "authority"}
        mentioned = await everything(own_database, XapiStatementAgent.agent_key, XapiStatementAgent.is_narrow)
        assert [tuple(one) for one in mentioned] == [(key_uuid("mbox:bo@example.com"), False)]
        activities = await everything(own_database, XapiStatementActivity.activity_key)
        assert [one[0] for one in activities] == [key_uuid("https://campus.example.edu/course")]

    async def test_the_same_again_changes_nothing(self, own_database: Database, intake: Intake) -> None:
        statement = a_statement()
        await intake.store(batch_of(statement))
        before = await everything(own_database, XapiStatement.stored, XapiStatement.statement)
        await intake.store(batch_of(statement))
        await intake.store(batch_of(statement, a_statement()))
        assert (await everything(own_database, XapiStatement.stored, XapiStatement.statement))[0] == before[0]
        assert await count(own_database, XapiStatement) == await count(own_database, XapiStatementId) == 2

    @pytest.mark.parametrize("version", list(Version))
    async def test_another_statement_of_an_id_is_a_conflict_and_its_batch_is_not_stored(
        self, own_database: Database, intake: Intake, version: Version
    ) -> None:
        statement = a_statement()
        await intake.store(batch_of(statement, version=version))
        other = a_statement(id=statement["id"].upper(), verb={"id": "http://example.com/verbs/other"})
        with pytest.raises(StatementConflictError) as refused:
            await intake.store(batch_of(a_statement(), other, version=version))
        assert refused.value.errors[0].field == "/1/id"
        assert await count(own_database, XapiStatement) == 1

    async def test_statements_of_one_transaction_have_times_of_their_own(
        self, own_database: Database, intake: Intake
    ) -> None:
        sent = [a_statement() for _ in range(50)]
        await intake.store(batch_of(*sent))
        await intake.store(batch_of(a_statement()))
        rows = await everything(own_database, XapiStatement.stored, XapiStatement.id)
        assert [str(row.id) for row in rows[:50]] == [statement["id"] for statement in sent]
        assert len({row.stored for row in rows}) == 51


class TestGroups:
    async def test_requests_that_wait_together_are_stored_together(
        self, own_database: Database, intake: Intake
    ) -> None:
        await asyncio.gather(*(intake.store(batch_of(a_statement())) for _ in range(40)))
        async with own_database.reading(ACTOR) as session:
            transactions = await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM xapi_statement"))
        assert await count(own_database, XapiStatement) == 40
        assert transactions == 1

    async def test_without_groups_each_has_its_own_transaction(self, own_database: Database) -> None:
        alone = Intake(own_database, limit_bytes=100_000, grouped=False)
        await asyncio.gather(*(alone.store(batch_of(a_statement())) for _ in range(5)))
        async with own_database.reading(ACTOR) as session:
            assert await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM xapi_statement")) == 5

    async def test_a_refused_batch_does_not_take_others_with_it(self, own_database: Database, intake: Intake) -> None:
        statement = a_statement()
        await intake.store(batch_of(statement))
        other = a_statement(id=statement["id"], verb={"id": "http://example.com/verbs/other"})
        results = await asyncio.gather(
            *(intake.store(batch_of(one)) for one in (a_statement(), other, a_statement())), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), StatementConflictError, type(None)]
        assert await count(own_database, XapiStatement) == 3

    async def test_the_same_id_twice_at_once_is_stored_once(self, own_database: Database, intake: Intake) -> None:
        statement = a_statement()
        other = a_statement(id=statement["id"], verb={"id": "http://example.com/verbs/other"})
        results = await asyncio.gather(
            *(intake.store(batch_of(one)) for one in (statement, statement, other)), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), type(None), StatementConflictError]
        assert await count(own_database, XapiStatement) == 1

    async def test_two_processes_take_turns(self, own_database: Database) -> None:
        intakes = [Intake(own_database, limit_bytes=100_000) for _ in range(4)]
        shared = a_statement()
        await asyncio.gather(
            *(one.store(batch_of(*(a_statement() for _ in range(5)), shared)) for one in intakes for _ in range(5))
        )
        rows = await everything(own_database, XapiStatement.stored, XapiStatement.id)
        assert len(rows) == len({row.stored for row in rows}) == 101

    async def test_what_does_not_fit_in_memory_is_refused(self, own_database: Database) -> None:
        small = Intake(own_database, limit_bytes=1_500)
        results = await asyncio.gather(
            *(small.store(batch_of(a_statement(), size=1_000)) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), IntakeFullError, IntakeFullError]
        await small.store(batch_of(a_statement(), size=90_000))  # alone, anything that the edge let pass goes

    async def test_a_database_that_is_away_is_503_and_its_return_needs_nothing(
        self, own_database: Database, intake: Intake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as away:
            away.setattr(Database, "transaction", _refuse)
            with pytest.raises(ServiceUnavailableError):
                await intake.store(batch_of(a_statement()))
        await intake.store(batch_of(a_statement()))
        assert await count(own_database, XapiStatement) == 1


def _refuse(*_: object, **__: object) -> None:
    raise ConnectionRefusedError


class TestReferences:
    async def test_voiding_names_the_statement_before_or_after_it_came(
        self, own_database: Database, intake: Intake
    ) -> None:
        late, early = a_statement(), a_statement()
        await intake.store(batch_of(early))
        await intake.store(batch_of(a_statement(verb=VOIDED, object=about(early["id"]))))
        await intake.store(batch_of(a_statement(verb=VOIDED, object=about(late["id"]))))
        await intake.store(batch_of(a_statement(verb=VOIDED, object=about(late["id"]))))
        await intake.store(batch_of(late))
        voided = {str(row[0]) for row in await everything(own_database, XapiVoided.statement_id)}
        assert voided == {early["id"], late["id"]}
        assert await count(own_database, XapiReference) == 3

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
    async def test_a_chain_is_found_by_what_it_ends_in_in_whatever_order_it_came(
        self, own_database: Database, intake: Intake, order: tuple[int, ...]
    ) -> None:
        first = a_statement()
        second = a_statement(verb={"id": "http://example.com/verbs/commented"}, object=about(first["id"]))
        third = a_statement(verb={"id": "http://example.com/verbs/liked"}, object=about(second["id"]))
        for place in order:
            await intake.store(batch_of((first, second, third)[place]))
        async with own_database.reading(ACTOR) as session:
            found = await session.execute(
                select(XapiStatement.id, XapiAlias.target_id, XapiAlias.verb_key).join(
                    XapiStatement, XapiStatement.stored == XapiAlias.stored
                )
            )
            aliases = {(str(row.id), str(row.target_id), row.verb_key) for row in found}
        completed, commented = key_uuid(first["verb"]["id"]), key_uuid("http://example.com/verbs/commented")
        assert aliases == {
            (second["id"], first["id"], completed),
            (third["id"], second["id"], commented),
            (third["id"], first["id"], completed),
        }

    async def test_statements_that_refer_to_each_other_end_somewhere(
        self, own_database: Database, intake: Intake
    ) -> None:
        one, two = a_statement(), a_statement()
        await intake.store(batch_of(one | {"object": about(two["id"])}, two | {"object": about(one["id"])}))
        assert await count(own_database, XapiAlias) == 4


class TestShared:
    async def test_definitions_are_merged_and_names_collected(self, own_database: Database, intake: Intake) -> None:
        activity = "https://campus.example.edu/quiz/4"
        first = {"id": activity, "definition": {"name": {"en": "Quiz"}, "type": "http://example.com/types/quiz"}}
        second = {"id": activity, "definition": {"name": {"fr": "Jeu"}, "description": {"en": "Four"}}}
        await intake.store(batch_of(a_statement(object=first), a_statement(object=second)))
        await intake.store(batch_of(a_statement(actor={"mbox": "mailto:ada@example.com", "name": "Ada L."})))
        async with own_database.reading(ACTOR) as session:
            kept = (await session.execute(select(XapiActivity))).scalar_one()
            agent = (await session.execute(select(XapiAgent))).scalar_one()
            verb = (await session.execute(select(XapiVerb))).scalar_one()
            authority = await session.scalar(text("SELECT agent FROM xapi_authority"))
        assert kept.definition["name"] == {"en": "Quiz", "fr": "Jeu"}
        assert kept.definition["description"] == {"en": "Four"}
        assert (agent.key, agent.names) == ("mbox:ada@example.com", ["Ada", "Ada L."])
        assert verb.display == {"en": "completed"}
        assert authority == AUTHORITY

    async def test_who_may_not_define_changes_no_definition(self, own_database: Database, intake: Intake) -> None:
        activity = {"id": "https://campus.example.edu/quiz/4", "definition": {"name": {"en": "Quiz"}}}
        await intake.store(batch_of(a_statement(object=activity), may_define=False))
        async with own_database.reading(ACTOR) as session:
            assert (await session.execute(select(XapiActivity))).scalar_one().definition == {}
