"""Whoever changes, removes or inserts an entry behind the application's back is found."""

import asyncio
from collections.abc import Callable

import pytest

from academe.platform.actor import system_actor
from academe.platform.audit.queries import ChainReport, Fault, verify
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database
from academe.platform.ids import new_id
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")

Tamper = Callable[[str], None]


async def report(database: Database, *, expect_head: bytes | None = None) -> ChainReport:
    async with database.reading(SYSTEM) as session:
        return await verify(session, expect_head=expect_head)


async def leave(database: Database, entries: int) -> None:
    async with database.transaction(SYSTEM) as session:
        for number in range(entries):
            subject = Subject("enrollment", new_id())
            record(session, actor=SYSTEM, action="enrollment.created", subject=subject, summary=f"Number {number}")


@pytest.fixture
async def chain(own_database: Database) -> Database:
    """Ten entries, in two transactions."""
    await leave(own_database, 4)
    await leave(own_database, 6)
    return own_database


@pytest.fixture
def tamper(own_database: Database, server: ServerOfTests) -> Tamper:
    """Runs a statement as a superuser with all triggers off."""

    def run(statement: str) -> None:
        with server.superuser(own_database.engine.url.database or "") as connection:
            connection.execute("SET session_replication_role = replica")
            assert connection.execute(statement.encode()).rowcount > 0

    return run


def found(checked: ChainReport) -> list[tuple[int, Fault]]:
    return [(fault.seq, fault.fault) for fault in checked.faults]


class TestVerify:
    async def test_an_empty_chain_is_whole(self, own_database: Database) -> None:
        assert (await report(own_database)).is_whole

    async def test_a_whole_chain_is_whole(self, chain: Database) -> None:
        checked = await report(chain)
        assert (checked.entries, checked.head_seq, checked.faults) == (10, 10, ())

    async def test_writers_at_once_make_one_chain_without_gaps(self, own_database: Database) -> None:
        await asyncio.gather(*(leave(own_database, 3) for _ in range(16)))
        checked = await report(own_database)
        assert (checked.entries, checked.head_seq, checked.faults) == (48, 48, ())

    @pytest.mark.parametrize(
        "change",
        [
            "summary = 'Something else'", "actor_label = NULL", "changes = '{}'", "at = at - interval '1 second'",
            "person_id = gen_random_uuid()", "kind = 'read', purpose = 'x'", "institution_id = gen_random_uuid()",
        ],
    )  # fmt: skip
    async def test_a_changed_entry_is_found(self, chain: Database, tamper: Tamper, change: str) -> None:
        tamper(f"UPDATE audit_entry SET {change} WHERE seq = 5")
        assert found(await report(chain)) == [(5, Fault.CHANGED)]

    async def test_a_changed_entry_with_its_hash_made_anew_is_found(self, chain: Database, tamper: Tamper) -> None:
        tamper(
            "UPDATE audit_entry SET summary = 'x', hash = audit_entry_hash(prev_hash, seq, id, at, kind, action,"
            " actor_kind, actor_person_id, actor_label, subject_kind, subject_id, institution_id, person_id, purpose,"
            " 'x', changes) WHERE seq = 5"
        )
        assert found(await report(chain)) == [(6, Fault.CHANGED)]

    async def test_a_removed_entry_is_found(self, chain: Database, tamper: Tamper) -> None:
        tamper("DELETE FROM audit_entry WHERE seq IN (4, 5)")
        checked = await report(chain)
        assert found(checked) == [(6, Fault.REMOVED)]
        assert checked.faults[0].detail == "missing before entry 6: 4 to 5"

    async def test_the_first_entry_removed_is_found(self, chain: Database, tamper: Tamper) -> None:
        tamper("DELETE FROM audit_entry WHERE seq = 1")
        assert found(await report(chain)) == [(2, Fault.REMOVED)]

    async def test_a_truncated_end_is_found(self, chain: Database, tamper: Tamper) -> None:
        tamper("DELETE FROM audit_entry WHERE seq > 7")
        assert found(await report(chain)) == [(10, Fault.REMOVED)]

    async def test_an_inserted_entry_is_found(self, chain: Database, tamper: Tamper) -> None:
        copy = (
            "INSERT INTO audit_entry SELECT gen_random_uuid(), at, {seq}, kind, action, actor_kind, actor_person_id,"
            " actor_label, subject_kind, subject_id, institution_id, person_id, purpose, summary, changes, prev_hash,"
            " hash FROM audit_entry WHERE seq = 5"
        )
        tamper(copy.format(seq=5))
        assert (5, Fault.INSERTED) in found(await report(chain))
        tamper(copy.format(seq=11))
        assert (11, Fault.INSERTED) in found(await report(chain))

    async def test_a_chain_made_anew_is_found_by_the_head_that_was_noted(self, chain: Database, tamper: Tamper) -> None:
        noted = (await report(chain)).head_hash
        await leave(chain, 1)
        assert (await report(chain, expect_head=noted)).is_whole
        tamper("DELETE FROM audit_entry")
        tamper("DELETE FROM audit_chain_head")
        await leave(chain, 11)
        assert (await report(chain)).is_whole
        assert found(await report(chain, expect_head=noted)) == [(11, Fault.REMOVED)]
