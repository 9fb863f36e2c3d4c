"""Importing people: reading files, planning, applying and undoing as jobs, and the pages that lead through it."""

import httpx
import pytest
from sqlalchemy import func, select

from academe.identity.errors import ImportNotFoundError
from academe.identity.models import Account, Person
from academe.identity.people_import.files import MOST_LINES, read_people
from academe.identity.people_import.models import PeopleImport
from academe.identity.people_import.service import (
    apply_import,
    import_of,
    preview_import,
    stage_people_file,
    undo_import,
)
from academe.messaging.notifications.models import Notification
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import ConflictError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
GOOD = """sourced_id,display_name,given_name,family_name,email
n1,Ada Lovelace,Ada,Lovelace,ada@new.example
n2,,Grace,Hopper,
n3,"Turing, Alan",Alan,Turing,alan@new.example
"""
FAULTY = GOOD + (
    "n4,Nobody,,,nowhere\n"  # line 5
    ",Without key,,,\n"  # 6
    "n1,Twice,,,\n"  # 7
    "n5,Same address,,,ADA@new.example\n"  # 8
    f"n6,{'x' * 201},,,\n"  # 9
    "n7,A,B,C,,,more\n"  # 10
    f"n8,Long part,{'y' * 101},,\n"  # 11
)


async def silent(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


async def confirmed(session: Session, school: School, content: str) -> PeopleImport:
    """A file that was confirmed; its job is what the test does itself."""
    kept = await staged(session, school, content)
    kept.job_id = new_id()
    await session.flush()
    return kept


async def staged(session: Session, school: School, content: str, who: str = "administrator") -> PeopleImport:
    return await stage_people_file(
        session,
        actor=school.actor(who),
        institution_id=school.institution.id,
        file_name="people.csv",
        content=content.encode(),
    )


class TestReading:
    def test_every_fault_has_its_line_and_column(self) -> None:
        file = read_people(FAULTY.encode())
        assert [(error.line, error.field) for error in file.errors] == [
            (5, "email"),
            (6, "sourced_id"),
            (7, "sourced_id"),
            (8, "email"),
            (9, "display_name"),
            (10, "line"),
            (11, "given_name"),
        ]
        assert [line.display_name for line in file.lines] == ["Ada Lovelace", "Grace Hopper", "Turing, Alan"]

    @pytest.mark.parametrize(
        ("content", "field"),
        [
            (b"", "file"),
            (b"name\nAda\n", "heading"),
            (b"sourced_id,shoe size\n1,2\n", "heading"),
            (b"sourced_id\n", "file"),
            (b"PK\x03\x04", "file"),
            (b"sourced_id,name\n1,\xff\n", "file"),
            (b"sourced_id\n" + b"x\n" * (MOST_LINES + 1), "file"),
        ],
    )
    def test_what_cannot_be_read(self, content: bytes, field: str) -> None:
        file = read_people(content)
        assert [error.field for error in file.errors] == [field]
        assert not file.is_readable

    def test_lines_left_out_can_be_brought_again(self) -> None:
        file = read_people(FAULTY.encode())
        again = file.left_out(file.errors).decode()
        assert again.splitlines()[0].endswith(",status")
        assert "n4,Nobody,,,nowhere,email: Please give an e-mail address." in again
        assert {error.field for error in read_people(again.encode()).errors} >= {"email", "display_name"}


class TestImport:
    async def test_only_those_who_register(self, session: Session, home: School, away: School) -> None:
        for who in ("student0", "lecturer", "auditor"):
            async with as_actor(session, home.actor(who)):
                with pytest.raises(PermissionDeniedError):
                    await staged(session, home, GOOD, who)
        async with as_actor(session, home.actor("administrator")):
            kept = await staged(session, home, GOOD)
        async with as_actor(session, away.actor("administrator")):
            with pytest.raises(ImportNotFoundError):
                await import_of(session, actor=away.actor("administrator"), import_id=kept.id)

    async def test_addresses_are_for_administrators_and_unique_everywhere(
        self, session: Session, home: School, away: School
    ) -> None:
        taken = away.accounts["student0"].email.upper()
        content = f"{GOOD}n9,Somebody,,,{taken}\n"
        async with as_actor(session, home.actor("administrator")):
            kept = await staged(session, home, content)
            _, plan = await preview_import(session, actor=home.actor("administrator"), kept=kept)
        assert [(error.line, error.field) for error in plan.errors] == [(5, "email")]
        async with as_actor(session, home.actor("registrar")):
            _, plan = await preview_import(session, actor=home.actor("registrar"), kept=kept)
        assert [(error.line, error.field) for error in plan.errors] == [(2, "email"), (4, "email"), (5, "email")]

    async def test_nothing_or_all_but_the_faulty(self, session: Session, home: School) -> None:
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            kept = await confirmed(session, home, FAULTY)
            with pytest.raises(InvalidInputError) as refused:
                await apply_import(session, actor=actor, import_id=kept.id, without_faulty=False, progress=silent)
            assert len(refused.value.errors) == 7
            wanted = select(func.count()).where(Person.sourced_id.in_(["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"]))
            assert await session.scalar(wanted) == 0
            for _ in range(2):
                result = await apply_import(
                    session, actor=actor, import_id=kept.id, without_faulty=True, progress=silent
                )
                assert result == {"added": 3, "known": 0, "left_out": 7}
            assert await session.scalar(wanted) == 3
            assert await session.scalar(select(func.count()).where(Account.email.like("%@new.example"))) == 2
            again = await confirmed(session, home, GOOD)
            with pytest.raises(ConflictError):
                await apply_import(session, actor=actor, import_id=again.id, without_faulty=True, progress=silent)
            await session.finish()
        actions = await session.scalars(
            select(AuditEntry.action).where(AuditEntry.actor_person_id == home.people["administrator"].id)
        )
        assert sorted(actions) == ["people.imported", "person.created", "person.created", "person.created"]


class TestUndo:
    async def test_only_whom_nobody_has_used(self, session: Session, home: School, away: School) -> None:
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            kept = await confirmed(session, home, GOOD)
            await apply_import(session, actor=actor, import_id=kept.id, without_faulty=False, progress=silent)
        async with as_actor(session, system_actor("test")):
            used = await session.scalar(select(Person).where(Person.sourced_id == "n2"))
            assert used is not None
            session.add(Notification(person_id=used.id, kind=NotificationKind.SYSTEM, title="Hello"))
            await session.flush()
        before = await session.scalar(select(func.count()).select_from(Person))
        async with as_actor(session, away.actor("administrator")):
            with pytest.raises(ImportNotFoundError):
                await undo_import(session, actor=away.actor("administrator"), import_id=kept.id, progress=silent)
        async with as_actor(session, actor):
            result = await undo_import(session, actor=actor, import_id=kept.id, progress=silent)
            assert result == {"removed": 2, "kept": 1, "kept_for": {"notification": 1}}
        async with as_actor(session, system_actor("test")):
            keys = await session.scalars(select(Person.sourced_id).where(Person.sourced_id.in_(["n1", "n2", "n3"])))
            assert keys.all() == ["n2"]
            assert before is not None
            assert await session.scalar(select(func.count()).select_from(Person)) == before - 2


class TestPages:
    async def test_anonymous_and_others(self, browser: httpx.AsyncClient, home: School, sign_in_as: SignIn) -> None:
        assert (await browser.get("/people/import")).headers["location"].startswith("/sign-in")
        lecturer = await sign_in_as(home, "lecturer")
        assert (await lecturer.get("/people/import")).status_code == 403
        sent = await lecturer.post("/people/import", files={"file": ("p.csv", GOOD.encode(), "text/csv")})
        assert sent.status_code == 403

    async def test_a_file_is_shown_and_confirmed(self, home: School, away: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        assert (await administrator.post("/people/import")).status_code == 422
        sent = await administrator.post("/people/import", files={"file": ("p.csv", FAULTY.encode(), "text/csv")})
        address = sent.headers["location"]
        page = (await administrator.get(address)).text
        assert "Add 3 people and leave 7 lines out" in page
        assert (await administrator.post(address)).status_code == 422
        left_out = await administrator.get(f"{address}/left-out.csv")
        assert len(left_out.text.splitlines()) == 8
        confirmed = await administrator.post(address, data={"without_faulty": "true"})
        assert confirmed.headers["location"] == f"{address}/progress"
        assert (await administrator.get(f"{address}/progress")).status_code == 200
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.get(f"{address}/progress")).status_code == 404

    async def test_programs(self, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        where = {"institution_id": str(home.institution.id)}
        headers = {**JSON, "Content-Type": "text/csv"}
        sent = await administrator.post("/api/v1/people/imports", params=where, content=FAULTY, headers=headers)
        assert sent.status_code == 201
        preview = sent.json()
        assert (preview["new"], preview["faulty_lines"], preview["errors"][0]["line"]) == (3, 7, 5)
        address = f"/api/v1/people/imports/{preview['import_id']}"
        assert (await administrator.post(address, json={}, headers=JSON)).status_code == 422
        assert (await administrator.post(f"{address}/undo", headers=JSON)).status_code == 409
        confirmed = await administrator.post(address, json={"without_faulty": True}, headers=JSON)
        assert confirmed.status_code == 202
        again = await administrator.post(address, json={"without_faulty": True}, headers=JSON)
        assert again.json()["job_id"] == confirmed.json()["job_id"]
