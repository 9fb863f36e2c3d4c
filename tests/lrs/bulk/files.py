"""Files of statements, and the commands run on a database of the test's own."""

import gzip
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from unittest import mock
from uuid import UUID

from typer.testing import CliRunner, Result

from academe.cli import app
from academe.lrs.bulk import cli as bulk_cli
from academe.lrs.senders import cli as senders_cli
from academe.platform.settings import Settings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OWN_PROCESS: Final = (sys.executable, "-c", "from academe.lrs.cli import lrs; lrs()")
AUTHORITY: Final = {"objectType": "Agent", "account": {"homePage": "https://old.example.org", "name": "the old store"}}


def exported(number: int, **parts: Any) -> dict[str, Any]:
    """The statement of a number as another store exports it."""
    return {
        "id": str(UUID(int=(0x4000 << 64) | (2 << 62) | number)),
        "actor": {"objectType": "Agent", "mbox": f"mailto:student{number % 7}@example.com"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered", "display": {"en": "answered"}},
        "object": {
            "objectType": "Activity",
            "id": f"https://old.example.org/quiz/{number % 5}",
            "definition": {"name": {"en": f"Quiz {number % 5}"}},
        },
        "stored": "2019-05-04T03:02:01.123Z",
        "authority": AUTHORITY,
        "version": "1.0.3" if number % 3 else "2.0.0",
    } | parts


def lines_of(statements: Iterable[object]) -> bytes:
    """One to a line."""
    return "".join(json.dumps(statement) + "\n" for statement in statements).encode()


def compressed(content: bytes, suffix: str) -> bytes:
    """Content as files of a suffix have it."""
    match suffix:
        case ".gz":
            return gzip.compress(content)
        case ".zst":
            return zstd.compress(content)
    return content


def decompressed(content: bytes, suffix: str) -> bytes:
    """The opposite."""
    match suffix:
        case ".gz":
            return gzip.decompress(content)
        case ".zst":
            return zstd.decompress(content)
    return content


def environment(settings: Settings) -> dict[str, str]:
    """Variables that lead a process to the database of the settings."""
    return os.environ | {
        "ACADEME_DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": str(settings.database_url),
        "DATABASE_OWNER_URL": str(settings.database_owner_url),
    }


def command(settings: Settings, *arguments: str | Path, given: bytes | None = None) -> Result:
    """What a command says and leaves, run in this process: to start one of its own takes seconds."""
    with (
        mock.patch.object(bulk_cli, "settings_of_command", return_value=settings),
        mock.patch.object(senders_cli, "settings_of_command", return_value=settings),
    ):
        return CliRunner().invoke(app, ["lrs", *map(str, arguments)], input=given)


def told(result: Result) -> Mapping[str, Any]:
    """The JSON object that a command printed."""
    content: Mapping[str, Any] = json.loads(result.stdout)
    return content
