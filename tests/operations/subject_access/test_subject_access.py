"""A copy of everything that is kept about a person: whole by the schema, without others and without secrets."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Column, ForeignKey, MetaData, Table, Uuid, select, update

from academe.operations.erasure.service import erase_person
from academe.operations.subject_access.models import SubjectExport
from academe.operations.subject_access.service import ask_for_export, fetch_export, forget_exports, pack_export
from academe.operations.subject_access.walking import faults, parts_about
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.base import PEOPLE
from academe.platform.database.discovery import import_models
from academe.platform.database.session import Session
from academe.platform.errors import NotFoundError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.matrix_rows import messaging_rows, second_factor_rows
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

SignIn = Callable[[School, str], Awaitable[httpx.AsyncClient]]
SYSTEM = system_actor("test")


def schema_with(name: str, column: Column[object], *, people: bool = True) -> MetaData:
    """The schema of the package and one table more."""
    metadata = MetaData()
    for table in import_models().tables.values():
        table.to_metadata(metadata)
    Table(name, metadata, Column("id", Uuid, primary_key=True), column, info={PEOPLE: people})
    return metadata


async def no_report(_done: int, _total: int) -> None:
    """Nobody waits."""


async def packed_by(database: JoinedDatabase, session: Session, actor: Actor, school: School) -> zipfile.ZipFile:
    async with as_actor(session, actor):
        export = await ask_for_export(session, actor=actor, person_id=school.people["student0"].id)
    await pack_export(database, actor=actor, export_id=export.id, report=no_report)
    async with as_actor(session, actor):
        content = await fetch_export(session, database, actor=actor, export_id=export.id)
    return zipfile.ZipFile(io.BytesIO(content))


class TestWalking:
    def test_the_schema_is_covered(self) -> None:
        assert faults(import_models()) == []

    def test_a_new_table_with_a_foreign_key_is_in_the_copy(self) -> None:
        metadata = schema_with("diary", Column("holder", Uuid, ForeignKey("student_record.id")))
        assert faults(metadata) == []
        assert "diary" in {part.table.name for part in parts_about(metadata, new_id())}

    def test_a_new_table_that_names_people_in_another_way_is_a_fault(self) -> None:
        assert faults(schema_with("diary", Column("person_id", Uuid))) == [
            "diary is a table of people that nothing leads to",
            "diary.person_id names somebody and is not followed",
        ]

    def test_a_table_that_is_not_of_people_and_leads_to_one_is_a_fault(self) -> None:
        metadata = schema_with("diary", Column("holder", Uuid, ForeignKey("person.id")), people=False)
        assert faults(metadata) == ["diary.holder leads to a person and is not followed"]


class TestCopy:
    async def test_everything_is_in_it_and_nobody_else(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        for add in (messaging_rows, second_factor_rows):
            await add(session, home)
        archive = await packed_by(database, session, home.actor("student0"), home)
        names = set(archive.namelist())
        for table in ("person", "account", "enrollment", "attendance", "result", "activity_day", "notification"):
            assert {f"json/{table}.json", f"csv/{table}.csv", f"html/{table}.html"} <= names
        person = json.loads(archive.read("json/person.json"))
        assert [each["display_name"] for each in person] == ["Student 10000"]
        assert "html/person.html" in archive.read("index.html").decode()
        everything = "".join(archive.read(name).decode() for name in names)
        assert "Student 10001" not in everything
        assert str(home.students[1].id) not in everything
        assert "password_hash" not in everything
        assert "JBSWY3DPEHPK3PXP" not in everything

    async def test_a_lecturers_copy_says_what_was_done_and_not_to_whom(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        lecturer = home.people["lecturer"].id
        metadata = import_models()
        table = metadata.tables["attendance"]
        await session.execute(update(table).where(table.c.offering_id == home.offering.id).values(recorded_by=lecturer))
        parts = {(part.table.name, part.is_acted): part for part in parts_about(metadata, lecturer)}
        part = parts["attendance", True]
        rows = (await session.execute(select(*part.columns).where(part.condition))).all()
        assert len(rows) == 4
        assert "student_id" not in {column.name for column in part.columns}

    async def test_others_are_refused(self, session: Session, database: JoinedDatabase, home: School) -> None:
        for who in ("lecturer", "advisor", "auditor"):
            actor = home.actor(who)
            async with as_actor(session, actor):
                with pytest.raises(PermissionDeniedError):
                    await ask_for_export(session, actor=actor, person_id=home.people["student0"].id)
        registrar, student = home.actor("registrar"), home.actor("student1")
        async with as_actor(session, registrar):
            export = await ask_for_export(session, actor=registrar, person_id=home.people["student0"].id)
        await pack_export(database, actor=registrar, export_id=export.id, report=no_report)
        async with as_actor(session, student):
            with pytest.raises(NotFoundError):
                await fetch_export(session, database, actor=student, export_id=export.id)

    async def test_its_time_ends(self, session: Session, database: JoinedDatabase, home: School) -> None:
        actor = home.actor("student0")
        await packed_by(database, session, actor, home)
        export = (await session.scalars(select(SubjectExport))).one()
        export.expires_at = clock.now() - timedelta(minutes=1)
        await session.flush()
        async with as_actor(session, actor):
            with pytest.raises(NotFoundError, match="its time is over"):
                await fetch_export(session, database, actor=actor, export_id=export.id)
        await forget_exports(session)
        assert (await session.scalars(select(SubjectExport.id))).all() == []

    async def test_it_lies_encrypted_and_goes_with_the_person(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        await packed_by(database, session, home.actor("student0"), home)
        stored = (await session.scalars(select(SubjectExport.content))).one()
        assert stored is not None
        assert b"index.html" not in stored
        person_id = home.people["student0"].id
        await erase_person(database, actor=home.actor("registrar"), person_id=person_id, reason="asked for")
        assert (await session.scalars(select(SubjectExport.id))).all() == []


class TestPages:
    async def test_a_student_asks_and_fetches(
        self, session: Session, database: JoinedDatabase, home: School, sign_in_as: SignIn
    ) -> None:
        student = await sign_in_as(home, "student0")
        assert "/account/copy" in (await student.get("/account")).text
        own = await student.get("/account/copy")
        assert own.status_code == 303
        assert "None yet" in (await student.get(own.headers["location"])).text
        asked = await student.post(own.headers["location"])
        assert asked.headers["location"].startswith("/jobs/")
        async with as_actor(session, SYSTEM):
            export = (await session.scalars(select(SubjectExport))).one()
        await pack_export(database, actor=home.actor("student0"), export_id=export.id, report=no_report)
        listed = (await student.get(f"/api/v1/people/{export.person_id}/exports")).json()
        fetched = await student.get(listed[0]["href"])
        assert fetched.headers["content-type"] == "application/zip"
        assert "index.html" in zipfile.ZipFile(io.BytesIO(fetched.content)).namelist()
        registrar = await sign_in_as(home, "registrar")
        assert "Ask for a copy" in (await registrar.get(f"/people/{export.person_id}")).text
        assert (await registrar.get(listed[0]["href"])).status_code == 404
        lecturer = await sign_in_as(home, "lecturer")
        assert (await lecturer.get(f"/people/{export.person_id}/export")).status_code == 403

    async def test_a_registrars_download_leaves_an_entry(
        self, session: Session, database: JoinedDatabase, home: School, sign_in_as: SignIn
    ) -> None:
        person_id = home.people["student0"].id
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.post(f"/people/{person_id}/export")).status_code == 303
        async with as_actor(session, SYSTEM):
            export = (await session.scalars(select(SubjectExport))).one()
        await pack_export(database, actor=home.actor("registrar"), export_id=export.id, report=no_report)
        assert (await registrar.get(f"/people/{person_id}/export/{export.id}/zip")).status_code == 200
        async with as_actor(session, SYSTEM):
            actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.person_id == person_id))
        assert {"subject_export.requested", "subject_export.read"} <= set(actions.all())
