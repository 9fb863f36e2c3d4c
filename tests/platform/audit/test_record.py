"""Entries are left with the data, in nobody else's name, and cannot be changed by anyone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from academe.platform.actor import ANONYMOUS, Actor, ActorKind, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.audit.types import EntryKind
from academe.platform.database.session import Database, Session
from academe.platform.ids import new_id
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")


def person() -> Actor:
    return Actor(kind=ActorKind.PERSON, label="Ada Example", person_id=uuid4())


def enrollment(person_id: UUID | None = None) -> Subject:
    return Subject("enrollment", new_id(), institution_id=new_id(), person_id=person_id)


async def entries(database: Database, actor: Actor) -> list[AuditEntry]:
    async with database.reading(actor) as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


class TestRecord:
    async def test_every_entry_of_a_transaction_is_chained_in_order(self, database: Database) -> None:
        async with database.transaction(SYSTEM) as session:
            for number in range(3):
                record(session, actor=SYSTEM, action=f"thing.{number}", subject=enrollment(), summary="Done")
        found = (await entries(database, SYSTEM))[-3:]
        assert [entry.action for entry in found] == ["thing.0", "thing.1", "thing.2"]
        assert [entry.seq - found[0].seq for entry in found] == [0, 1, 2]
        assert found[1].prev_hash == found[0].hash
        assert found[2].prev_hash == found[1].hash

    async def test_a_failed_transaction_leaves_neither_entry_nor_gap(self, database: Database) -> None:
        async def fail_late() -> None:
            async with database.transaction(SYSTEM) as session:
                record(session, actor=SYSTEM, action="thing.done", subject=enrollment(), summary="Done")
                await session.finish()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_late()
        assert await entries(database, SYSTEM) == []
        async with database.transaction(SYSTEM) as session:
            record(session, actor=SYSTEM, action="thing.done", subject=enrollment(), summary="Done")
        assert [entry.seq for entry in await entries(database, SYSTEM)] == [1]

    async def test_what_a_savepoint_undid_leaves_no_entry(self, database: Database) -> None:
        def leave(action: str) -> None:
            record(session, actor=SYSTEM, action=action, subject=enrollment(), summary="Done")

        async with database.transaction(SYSTEM) as session:
            leave("before")
            async with session.begin_nested():
                leave("kept")
                undone = await session.begin_nested()
                leave("undone")
                async with session.begin_nested():
                    leave("undone with it")
                await undone.rollback()
            leave("after")
        assert [entry.action for entry in await entries(database, SYSTEM)] == ["before", "kept", "after"]

    async def test_only_undone_writes_leave_nothing(self, database: Database) -> None:
        async with database.transaction(SYSTEM) as session:
            undone = await session.begin_nested()
            record(session, actor=SYSTEM, action="undone", subject=enrollment(), summary="Done")
            await undone.rollback()
        assert await entries(database, SYSTEM) == []

    async def test_changes_keep_dates_ids_and_numbers_as_text(self, database: Database) -> None:
        thing = uuid4()
        changes = {"on": date(2013, 10, 5), "score": [Decimal("61.5"), Decimal("70")], "by": thing, "roles": {"b", "a"}}
        async with database.transaction(SYSTEM) as session:
            record(
                session, actor=SYSTEM, action="result.marked", subject=enrollment(), summary="Ünïcode", changes=changes
            )
        entry = (await entries(database, SYSTEM))[-1]
        assert entry.summary == "Ünïcode"
        assert entry.changes == {
            "on": "2013-10-05", "score": ["61.5", "70"], "by": str(thing), "roles": ["a", "b"]
        }  # fmt: skip

    async def test_the_name_of_a_person_is_not_kept(self, database: Database) -> None:
        actor = person()
        async with database.transaction(actor) as session:
            record(session, actor=actor, action="thing.done", subject=enrollment(), summary="Done")
        entry = (await entries(database, SYSTEM))[-1]
        assert (entry.actor_kind, entry.actor_person_id, entry.actor_label) == ("person", actor.person_id, None)

    async def test_nobody_writes_in_the_name_of_another(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="violates row-level security"):
            async with database.transaction(person()) as session:
                record(session, actor=person(), action="thing.done", subject=enrollment(), summary="Done")
        with pytest.raises(DBAPIError, match="violates row-level security"):
            async with database.transaction(ANONYMOUS) as session:
                record(session, actor=SYSTEM, action="thing.done", subject=enrollment(), summary="Done")

    async def test_no_entry_is_backdated(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="has the time of its transaction"):
            async with database.transaction(SYSTEM) as session:
                session.add(
                    AuditEntry(
                        at=datetime(2026, 11, 1, tzinfo=UTC), kind=EntryKind.WRITE, action="a", actor_kind="system",
                        subject_kind="a", subject_id=new_id(), summary="a",
                    )
                )  # fmt: skip


class TestRecordAccess:
    async def test_a_look_at_another_persons_record_leaves_an_entry(self, database: Database) -> None:
        actor, other = person(), uuid4()
        async with database.transaction(actor) as session:
            record_access(session, actor=actor, subject=enrollment(other), purpose="advising")
        entry = (await entries(database, SYSTEM))[-1]
        assert (entry.kind, entry.action, entry.purpose) == (EntryKind.READ, "enrollment.read", "advising")
        assert entry.person_id == other

    async def test_a_look_at_ones_own_record_leaves_none(self, database: Database) -> None:
        actor = person()
        async with database.transaction(actor) as session:
            record_access(session, actor=actor, subject=enrollment(actor.person_id), purpose="own page")
        assert await entries(database, SYSTEM) == []


class TestWhoSees:
    async def test_nobody_sees_an_entry_but_those_it_concerns(self, database: Database) -> None:
        actor, concerned = person(), person()
        async with database.transaction(actor) as session:
            record(session, actor=actor, action="a", subject=enrollment(concerned.person_id), summary="Done")
        assert await entries(database, ANONYMOUS) == []
        assert await entries(database, person()) == []
        assert len(await entries(database, concerned)) == 1
        assert len(await entries(database, actor)) == 1


class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement", ["UPDATE audit_entry SET summary = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
    )
    async def test_the_application_may_not(self, session: Session, statement: str) -> None:
        with pytest.raises(DBAPIError, match="permission denied for table audit_entry"):
            await session.execute(text(statement))

    @pytest.mark.parametrize("table", ["audit_entry", "the partition"])
    @pytest.mark.parametrize("verb", ["UPDATE {} SET summary = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
    async def test_the_superuser_may_not_either(
        self, own_database: Database, server: ServerOfTests, table: str, verb: str
    ) -> None:
        async with own_database.transaction(SYSTEM) as session:
            record(session, actor=SYSTEM, action="a", subject=enrollment(), summary="Done")
            month: str = (await session.execute(select(func.to_char(func.now(), 'YYYY"m"MM')))).scalar_one()
        name = own_database.engine.url.database or ""
        with server.superuser(name) as connection:
            target = table if table == "audit_entry" else f"audit_entry_y{month}"
            with pytest.raises(Exception, match="append-only"):
                connection.execute(verb.format(target).encode())

    async def test_the_application_does_not_reach_a_partition(self, session: Session) -> None:
        month: str = (await session.execute(select(func.to_char(func.now(), 'YYYY"m"MM')))).scalar_one()
        with pytest.raises(DBAPIError, match="permission denied for table audit_entry_y"):
            await session.execute(text("SELECT * FROM {}".format(f"audit_entry_y{month}")))
