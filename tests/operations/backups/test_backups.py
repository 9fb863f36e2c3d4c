"""A backup made before an erasure, restored behind it: who was erased stays erased, everybody else is back."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from academe.academics.models import Enrollment, StudentProtectedAttributes, StudentRecord
from academe.identity.models import Account, Person, PersonParticulars
from academe.operations.backups.errors import BackupRefusedError, NotEmptyError
from academe.operations.backups.keys import KeyFile
from academe.operations.backups.making import DUMP, ROWS, export_keys, make_backup
from academe.operations.backups.restoring import restore_backup
from academe.operations.erasure.forgetting import forget_person
from academe.platform.actor import system_actor
from academe.platform.database.embedded.account import wheel_programs
from academe.platform.database.session import Database
from academe.platform.files.choice import file_store
from academe.platform.settings import Settings
from tests.schools import School, build_two_schools
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.anyio

ACTOR = system_actor("test")
PHONE = "+49 30 901820"
PRIVATE = ("Student 10000", "student0@home.example", "10000", "first@home.example", "1999-02-03", PHONE)


@pytest.fixture
def own_settings(server: ServerOfTests, worker_id: str, tmp_path: Path) -> Iterator[Settings]:
    """A database of this test alone, with a folder of files of its own."""
    name = f"academe_{worker_id}_backed_up"
    yield server.clone(name).model_copy(update={"files_dir": tmp_path / "files"})
    server.drop(name)


@pytest.fixture
def empty_settings(server: ServerOfTests, worker_id: str, tmp_path: Path) -> Iterator[Settings]:
    """An empty database to restore into, with another folder of files."""
    name = f"academe_{worker_id}_restored"
    made = server.empty(name)
    with server.superuser(name) as connection:
        for extension in ("vector", "pg_stat_statements"):
            connection.execute(f"CREATE EXTENSION {extension}")
    yield made.model_copy(update={"files_dir": tmp_path / "other-files"})
    server.drop(name)


@pytest.fixture
async def school(own_database: Database) -> School:
    """A school with two students of whom more is known."""
    async with own_database.transaction(ACTOR) as session:
        school = (await build_two_schools(session)).home
        first = await session.get_one(PersonParticulars, school.students[0].person_id)
        first.phone, first.date_of_birth = PHONE, "1999-02-03"
        session.add(PersonParticulars(person_id=school.students[1].person_id, phone="+49 30 555"))
    return school


def quiet(_message: str) -> None:
    """Nobody waits."""


async def test_a_backup_from_before_an_erasure_does_not_bring_the_person_back(
    school: School, own_database: Database, empty_settings: Settings, tmp_path: Path
) -> None:
    digest = await file_store(own_database.settings).put(b"an attachment")
    erased, kept = school.students[0], school.students[1]
    manifest = make_backup(own_database, tmp_path / "backup", report=quiet)
    async with own_database.transaction(ACTOR) as session:
        key = own_database.settings.signing_key
        await forget_person(session, person_id=erased.person_id, signing_key=key)
    export_keys(own_database.settings, tmp_path / "keys.json")

    restored_database = Database(empty_settings)
    keys = KeyFile.read(tmp_path / "keys.json")
    restored = await restore_backup(
        restored_database, tmp_path / "backup", keys, erase_again=forget_person, report=quiet
    )

    assert (restored.erased, restored.manifest) == (1, manifest)
    async with restored_database.reading(ACTOR) as session:
        gone = await session.get_one(Person, erased.person_id)
        assert (gone.display_name, gone.given_name, gone.sourced_id) == ("Erased person", None, None)
        account = (await session.scalars(select(Account).where(Account.person_id == gone.id))).one()
        assert account.email.endswith("@erased.invalid")
        assert (account.password_hash, account.is_active) == (None, False)
        assert await session.get(PersonParticulars, gone.id) is None
        assert await session.get(StudentProtectedAttributes, erased.id) is None
        assert (await session.get_one(StudentRecord, erased.id)).number.startswith("erased-")
        assert (await session.scalars(select(Enrollment).where(Enrollment.student_id == erased.id))).all()

        there = await session.get_one(Person, kept.person_id)
        assert there.display_name == "Student 10001"
        assert (await session.get_one(PersonParticulars, kept.person_id)).phone == "+49 30 555"
    assert await file_store(empty_settings).get(digest) == b"an attachment"
    await restored_database.close()


async def test_the_backup_alone_says_nothing_private_in_any_of_its_files(
    school: School, own_database: Database, tmp_path: Path
) -> None:
    assert school.students[0].number == "10000"
    make_backup(own_database, tmp_path / "backup", report=quiet)
    program = wheel_programs() / "bin" / "pg_restore"
    dumped = subprocess.run(  # noqa: ASYNC221 - nothing else runs in the loop of this test
        [program, "--file=-", tmp_path / "backup" / DUMP], capture_output=True, text=True, check=True
    ).stdout
    rows = (tmp_path / "backup" / ROWS).read_text()
    assert "COPY public.attendance" in dumped
    for private in PRIVATE:
        # The number of a student may be part of some id; it is nowhere a value.
        assert f"\t{private}\t" not in dumped
        assert f'"{private}"' not in rows
        assert private == "10000" or private not in dumped + rows


async def test_keys_from_before_the_backup_are_refused_and_nothing_is_changed(
    school: School, own_database: Database, empty_settings: Settings, tmp_path: Path
) -> None:
    export_keys(own_database.settings, tmp_path / "old-keys.json")
    make_backup(own_database, tmp_path / "backup", report=quiet)
    database = Database(empty_settings)
    keys = KeyFile.read(tmp_path / "old-keys.json")
    with pytest.raises(BackupRefusedError, match=r"none for [1-9]\d* people .* older than the backup"):
        await restore_backup(database, tmp_path / "backup", keys, erase_again=forget_person, report=quiet)
    async with database.engine.connect() as connection:
        tables = await connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    assert tables == 0
    await database.close()
    assert school.students


async def test_what_was_changed_or_is_there_already_is_refused(own_database: Database, tmp_path: Path) -> None:
    make_backup(own_database, tmp_path / "backup", report=quiet)
    with pytest.raises(NotEmptyError, match="not empty"):
        make_backup(own_database, tmp_path / "backup", report=quiet)
    export_keys(own_database.settings, tmp_path / "keys.json")
    keys = KeyFile.read(tmp_path / "keys.json")
    with pytest.raises(NotEmptyError, match="has tables already"):
        await restore_backup(own_database, tmp_path / "backup", keys, erase_again=forget_person, report=quiet)
    with (tmp_path / "backup" / ROWS).open("a") as file:
        file.write(json.dumps({"table": "person"}))
    with pytest.raises(BackupRefusedError, match="was changed since"):
        await restore_backup(own_database, tmp_path / "backup", keys, erase_again=forget_person, report=quiet)
