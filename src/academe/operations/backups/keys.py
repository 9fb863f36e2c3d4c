"""The file of keys: those of people as they lie wrapped in the database, and whose were destroyed."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import psycopg
from psycopg.rows import dict_row

from academe.operations.backups.errors import BackupRefusedError
from academe.platform.encryption.persons import LOAD_DESTROYED, LOAD_KEYS

FORMAT: Final = 1

_KEYS: Final = (
    "SELECT person_id::text, encode(wrapped, 'base64') AS wrapped, master_key, made_at::text FROM person_key"
    " ORDER BY person_id"
)
_DESTROYED: Final = (
    "SELECT person_id::text, destroyed_at::text FROM destroyed_person_key ORDER BY destroyed_at, person_id"
)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What the file says; the keys can be used by nobody who has not the master key."""

    keys: Sequence[Mapping[str, str]]
    destroyed: Sequence[Mapping[str, str]]
    format: int = FORMAT

    @classmethod
    def of_database(cls, connection: psycopg.Connection[Any]) -> Self:
        """The keys as they are in the database now."""
        with connection.cursor(row_factory=dict_row) as cursor:
            return cls(cursor.execute(_KEYS).fetchall(), cursor.execute(_DESTROYED).fetchall())

    @classmethod
    def read(cls, path: Path) -> Self:
        """The keys in a file. Raises BackupRefusedError when it is none of ours."""
        try:
            content = json.loads(path.read_text())
            if content.pop("format") != FORMAT:
                raise BackupRefusedError(f"{path} is a file of keys of another release.")
            return cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupRefusedError(f"{path} is not a file of keys (academe backup keys makes one).") from error

    def write(self, path: Path) -> None:
        """Put the keys in the place of what the file had before: there is one, and no history of it."""
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with open(draft, "x", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)

    def load(self, connection: psycopg.Connection[Any]) -> None:
        """Write the keys into a database that has none."""
        connection.execute(LOAD_KEYS, [json.dumps(list(self.keys))])
        connection.execute(LOAD_DESTROYED, [json.dumps(list(self.destroyed))])
