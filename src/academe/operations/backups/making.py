"""Making a backup: a dump and the sealed rows of one moment, then the files."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from academe.operations.backups.errors import BackupRefusedError, NotEmptyError
from academe.operations.backups.keys import KeyFile
from academe.operations.backups.programs import owner_address, run_program
from academe.operations.backups.sealing import LEFT_OUT, SEALED, sealed_lines
from academe.platform import clock
from academe.platform.database import migrate
from academe.platform.database.keyring import keyring_of
from academe.platform.database.session import Database
from academe.platform.files.choice import files_folder
from academe.platform.settings import Settings

FORMAT: Final = 1
DUMP: Final = "database.dump"
ROWS: Final = "people.ndjson"
FILES: Final = "files"
MANIFEST: Final = "manifest.json"

Report = Callable[[str], None]
"""Told what is being done, in a few words."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is: when it was made, at which migration, how much it holds, and the SHA-256 of dump and rows."""

    made_at: str
    revision: str
    rows: int
    files: int
    dump_sha256: str
    rows_sha256: str
    format: int = FORMAT


def make_backup(database: Database, folder: Path, *, report: Report) -> Manifest:
    """Write a backup into a new folder. Raises NotEmptyError when there is one, and ProgramFailedError.

    The manifest comes last: a folder without it is no backup.
    """
    settings = database.settings
    if folder.exists() and any(folder.iterdir()):
        raise NotEmptyError(f"{folder} is not empty; a backup is written into a folder of its own.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    revision = migrate.current(settings) or ""
    with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Text that reads back as the same time, whatever the server's own settings.
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        report("Dumping the database")
        _dump(settings, folder / DUMP, snapshot=row[0])
        report("Sealing what is private")
        rows = 0
        with (folder / ROWS).open("w", encoding="utf-8") as file:
            for line in sealed_lines(connection, keyring_of(database.engine.dialect)):
                file.write(f"{line}\n")
                rows += 1
    report("Copying files")
    files = _copy_files(settings, folder / FILES)
    manifest = Manifest(clock.now().isoformat(), revision, rows, files, _sha256(folder / DUMP), _sha256(folder / ROWS))
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
    return manifest


def export_keys(settings: Settings, path: Path) -> KeyFile:
    """Write the keys of people into a file, in place of those it had before."""
    with psycopg.connect(owner_address(settings).render_as_string(hide_password=False)) as connection:
        keys = KeyFile.of_database(connection)
    keys.write(path)
    return keys


def checked_manifest(folder: Path) -> Manifest:
    """The manifest of a backup that is whole. Raises BackupRefusedError."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        manifest = Manifest(**content)
    except (OSError, ValueError, TypeError) as error:
        raise BackupRefusedError(f"{folder} has no {MANIFEST}: it is no backup, or one that broke off.") from error
    if manifest.format != FORMAT:
        raise BackupRefusedError(f"{folder} is a backup of another release.")
    for name, expected in ((DUMP, manifest.dump_sha256), (ROWS, manifest.rows_sha256)):
        if not (folder / name).is_file() or _sha256(folder / name) != expected:
            raise BackupRefusedError(f"{name} in {folder} was changed since the backup was made.")
    return manifest


def _dump(settings: Settings, path: Path, *, snapshot: str) -> None:
    left_out = [*LEFT_OUT, *(sealed.table for sealed in SEALED)]
    run_program(
        settings,
        "pg_dump",
        [
            *("--format=custom", "--schema=public", "--no-comments", f"--snapshot={snapshot}", f"--file={path}"),
            *(f"--exclude-table-data=public.{table}" for table in left_out),
        ],
    )
    path.chmod(0o600)


def _copy_files(settings: Settings, target: Path) -> int:
    source = files_folder(settings)
    if not source.is_dir():
        target.mkdir()
        return 0
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("drafts"))
    return sum(1 for each in target.rglob("*") if each.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
