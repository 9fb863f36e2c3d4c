"""Restoring a backup into an empty database: the rows, the keys of today, the files; who was erased stays erased.

The triggers, constraints and policies come after all rows. The number of the migration comes last of all: a database
without it is not ready for any server.
"""

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from academe.operations.backups.errors import BackupRefusedError, NotEmptyError
from academe.operations.backups.keys import KeyFile
from academe.operations.backups.making import DUMP, FILES, ROWS, Manifest, Report, checked_manifest
from academe.operations.backups.programs import owner_address, run_program
from academe.operations.backups.sealing import AT_ONCE, Row, opened
from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database import migrate
from academe.platform.database.engine import OWNER_ROLE, database_url
from academe.platform.database.keyring import Keyring, keyring_of
from academe.platform.database.roles import prepare
from academe.platform.database.session import Database, Session
from academe.platform.files.choice import file_store, files_folder
from academe.platform.ids import new_id
from academe.platform.settings import Settings


class EraseAgain(Protocol):
    """Does again what an erasure does; returns files that nothing needs any more."""

    async def __call__(self, session: Session, *, person_id: UUID, signing_key: bytes) -> Sequence[str]:
        """Forget one person."""


_ACTOR: Final = system_actor("restore of a backup")
# What `roles.prepare` makes, and what only a superuser may touch.
_NOT_OURS: Final = (" EXTENSION ", " SCHEMA - public ", " ACL - SCHEMA public ")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: the backup, and how many people of it stay erased."""

    manifest: Manifest
    erased: int


async def restore_backup(
    database: Database, folder: Path, keys: KeyFile, *, erase_again: EraseAgain, report: Report
) -> Restored:
    """Fill an empty database from a backup, with the keys as they are now.

    Raises NotEmptyError and BackupRefusedError before anything is changed, ProgramFailedError afterwards.
    """
    settings = database.settings
    manifest = checked_manifest(folder)
    keyring = keyring_of(database.engine.dialect)
    key_of = _keys_for(folder, keys, keyring)
    _require_empty(settings)
    _prepare(settings)
    with tempfile.NamedTemporaryFile("w", suffix=".list") as contents:
        listed = run_program(settings, "pg_restore", ["--list", str(folder / DUMP)], to_database=False)
        contents.write("\n".join(line for line in listed.splitlines() if not any(each in line for each in _NOT_OURS)))
        contents.flush()

        chosen = ["--no-owner", f"--use-list={contents.name}", str(folder / DUMP)]
        report("Making the tables")
        _make_tables(settings, chosen)
        report("Loading rows")
        run_program(settings, "pg_restore", ["--exit-on-error", "--section=data", *chosen])
        report("Opening what is private")
        with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
            keys.load(connection)
            _load_rows(connection, folder / ROWS, key_of)
        report("Making indexes and rules")
        run_program(settings, "pg_restore", ["--exit-on-error", "--section=post-data", *chosen])
    report("Copying files")
    if (folder / FILES).is_dir():
        shutil.copytree(folder / FILES, files_folder(settings), dirs_exist_ok=True)
    report("Erasing again who was erased")
    erased = await _erase_again(database, keys, erase_again)
    with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
        connection.execute("INSERT INTO alembic_version (version_num) VALUES (%s)", [manifest.revision])
    migrate.upgrade(settings)
    return Restored(manifest, erased)


def _keys_for(folder: Path, keys: KeyFile, keyring: Keyring) -> Callable[[UUID], AESGCM | None]:
    """How the rows of the backup are opened; refuses when somebody's key is missing who was not erased."""
    wrapped = {UUID(each["person_id"]): (base64.b64decode(each["wrapped"]), each["master_key"]) for each in keys.keys}
    destroyed = {UUID(each["person_id"]) for each in keys.destroyed}
    owners = {owner for owner in _owners(folder / ROWS) if owner not in wrapped and owner not in destroyed}
    if owners:
        raise BackupRefusedError(
            f"The file of keys has none for {len(owners):,} people of the backup and does not say that they were"
            " erased: it is older than the backup. Take the newest one."
        )
    return keyring.people.opener(wrapped)


def _owners(rows: Path) -> Iterator[UUID]:
    mark = '"owner": "'
    with rows.open(encoding="utf-8") as file:
        for line in file:
            start = line.index(mark) + len(mark)
            yield UUID(line[start : start + 36])


def _require_empty(settings: Settings) -> None:
    with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchone()
    if found is None or found[0] > 0:
        raise NotEmptyError("The database has tables already; a backup is restored into an empty one.")


def _prepare(settings: Settings) -> None:
    engine = create_engine(database_url(settings, role=OWNER_ROLE), poolclass=NullPool)
    with engine.begin() as connection:
        prepare(connection, login=database_url(settings).username or "")


def _make_tables(settings: Settings, chosen: Sequence[str]) -> None:
    """Run the first part of the dump in a session of ours that has loaded pg_trgm.

    A function of the directory sets a parameter of that library, which PostgreSQL permits only where it is loaded.
    """
    script = run_program(settings, "pg_restore", ["--section=pre-data", "--file=-", *chosen], to_database=False)
    statements = "\n".join(line for line in script.splitlines() if not line.startswith("\\"))
    with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
        connection.execute("SELECT show_limit()")
        connection.execute(statements.encode())


def _load_rows(connection: psycopg.Connection[Any], path: Path, key_of: Callable[[UUID], AESGCM | None]) -> None:
    with path.open(encoding="utf-8") as file:
        for table, rows in groupby((opened(line, key_of) for line in file), key=lambda each: each[0]):
            statement = _insert(connection, table)
            pending: list[Row] = []
            for _, row in rows:
                if row is not None:
                    pending.append(row)
                if len(pending) == AT_ONCE:
                    connection.execute(statement, [Jsonb(pending)])
                    pending = []
            connection.execute(statement, [Jsonb(pending)])


def _insert(connection: psycopg.Connection[Any], table: str) -> sql.Composed:
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = ''",
        [table],
    )
    columns = sql.SQL(", ").join([sql.Identifier(name) for (name,) in found])
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s)"
    ).format(table=sql.Identifier(table), columns=columns)


async def _erase_again(database: Database, keys: KeyFile, erase_again: EraseAgain) -> int:
    for each in keys.destroyed:
        async with database.transaction(_ACTOR, timeout_seconds=0) as session:
            person_id, signing_key = UUID(each["person_id"]), database.settings.signing_key
            files = await erase_again(session, person_id=person_id, signing_key=signing_key)
        for digest in files:
            await file_store(database.settings).delete(digest)
    async with database.transaction(_ACTOR) as session:
        record(
            session,
            actor=_ACTOR,
            action="backup.restored",
            subject=Subject("backup", new_id()),
            summary=f"Backup restored; {len(keys.destroyed):,} people stay erased",
            changes={"erased": len(keys.destroyed)},
        )
    return len(keys.destroyed)
