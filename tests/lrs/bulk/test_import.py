"""`academe lrs import`: on a database of the test's own."""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any, Final

import pytest
from sqlalchemy import text

from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from tests.lrs.bulk.files import AUTHORITY, OWN_PROCESS, command, compressed, environment, exported, lines_of, told

MANY: Final = 6_000
OWN: Final = {"objectType": "Agent", "account": {"homePage": "https://new.example.org", "name": "mover"}}


def rows(settings: Settings, sql: str) -> Sequence[Any]:
    async def ask() -> Sequence[Any]:
        database = Database(settings)
        try:
            async with database.transaction(system_actor("lrs")) as session:
                return (await session.execute(text(sql))).all()
        finally:
            await database.close()

    return asyncio.run(ask())


def counted(settings: Settings, table: str) -> int:
    return int(rows(settings, f"SELECT count(*) FROM {table}")[0][0])


def brought(settings: Settings, path: Path, *more: str) -> dict[str, Any]:
    """What an import without faults prints."""
    result = command(settings, "import", path, "--sender", "mover", "--json", *more)
    assert result.exit_code == 0, result.stderr
    return dict(told(result))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_files_are_taken_whole_and_once(settings_with_sender: Settings, tmp_path: Path, suffix: str) -> None:
    # The name does not matter: what the file begins with does.
    path = tmp_path / "statements.jsonl"
    path.write_bytes(compressed(lines_of([exported(number) for number in range(1, 1_101)]), suffix))
    first = brought(settings_with_sender, path)
    assert (first["lines"], first["accepted"], first["refused"]) == (1_100, 1_100, 0)
    assert brought(settings_with_sender, path) == first
    for table in ("xapi_statement", "xapi_statement_id"):
        assert counted(settings_with_sender, table) == 1_100
    ((version, authority, statement),) = rows(
        settings_with_sender,
        "SELECT s.version, a.agent, s.statement FROM xapi_statement s JOIN xapi_authority a ON a.id = s.authority_id"
        " ORDER BY s.stored OFFSET 2 LIMIT 1",
    )
    assert (version, authority) == ("2.0.0", OWN)
    assert statement["version"] == "2.0.0"
    assert statement["timestamp"] == "2019-05-04T03:02:01.123Z"
    assert not {"stored", "authority", "id"} & statement.keys()
    order = rows(settings_with_sender, "SELECT id::text FROM xapi_statement ORDER BY stored")
    assert [row[0] for row in order] == [exported(number)["id"] for number in range(1, 1_101)]
    assert counted(settings_with_sender, "xapi_activity WHERE definition <> '{}'") == 5


def test_standard_input_is_a_file_too(settings_with_sender: Settings) -> None:
    given = compressed(lines_of([exported(1), exported(2)]), ".zst")
    result = command(settings_with_sender, "import", "-", "--sender", "mover", given=given)
    assert result.exit_code == 0
    assert "2 lines: 2 statements in the store, 0 refused." in result.stdout


def test_an_operator_may_keep_authorities(settings_with_sender: Settings, tmp_path: Path) -> None:
    members = [{"account": {"homePage": "https://o.example/token", "name": "app"}}, {"mbox": "mailto:ada@example.com"}]
    group = {"objectType": "Group", "member": members}
    statement = exported(3)
    del statement["authority"]
    path = tmp_path / "statements.jsonl"
    path.write_bytes(lines_of([exported(1), exported(2, authority=group), statement]))
    assert brought(settings_with_sender, path, "--keep-authority")["accepted"] == 3
    kept = rows(
        settings_with_sender,
        "SELECT a.agent FROM xapi_statement s JOIN xapi_authority a ON a.id = s.authority_id ORDER BY s.stored",
    )
    assert [row[0] for row in kept] == [AUTHORITY, group, OWN]


def test_refused_lines_are_reported_and_the_others_taken(settings_with_sender: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_bytes(
        lines_of([exported(1), exported(2, actor={}), exported(3)])
        + b"{\n"
        + lines_of([exported(1, result={"success": True}), exported(1), exported(4)])
    )
    result = command(settings_with_sender, "import", path, "--sender", "mover", "--json")
    assert result.exit_code == 1
    report = told(result)
    assert (report["lines"], report["accepted"], report["refused"]) == (7, 4, 3)
    assert [(line["line"], line["pointer"]) for line in report["refused_lines"]] == [(2, "/actor"), (4, ""), (5, "/id")]
    assert counted(settings_with_sender, "xapi_statement") == 3
    said = command(settings_with_sender, "import", path, "--sender", "mover").stderr
    assert "line 2, /actor: An actor must be" in said or "line 2, /actor: " in said


def test_the_first_refused_ends_it_if_wanted(settings_with_sender: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_bytes(lines_of([exported(1), exported(2), {}, exported(3)]))
    for _ in range(2):
        result = command(settings_with_sender, "import", path, "--sender", "mover", "--stop-at-first", "--json")
        assert result.exit_code == 1
        assert (told(result)["lines"], told(result)["accepted"]) == (3, 2)
    assert counted(settings_with_sender, "xapi_statement") == 2


def test_a_check_stores_nothing(own_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    path.write_bytes(lines_of([exported(1), {}]))
    result = command(own_settings, "import", path, "--check", "--json")
    assert result.exit_code == 1
    assert (told(result)["accepted"], told(result)["refused"], told(result)["stored"]) == (1, 1, False)
    assert counted(own_settings, "xapi_statement") == 0


def test_what_is_missing_is_said(settings_with_sender: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    assert command(settings_with_sender, "import", path).exit_code == 2
    assert "No such file" in command(settings_with_sender, "import", path, "--sender", "mover").stderr
    path.write_bytes(b"")
    assert "no such sender" in command(settings_with_sender, "import", path, "--sender", "nobody").stderr
    assert command(settings_with_sender, "sender", "revoke", "mover").exit_code == 0
    assert "is revoked" in command(settings_with_sender, "import", path, "--sender", "mover").stderr


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_cut_file_is_taken_up_to_the_cut(settings_with_sender: Settings, tmp_path: Path, suffix: str) -> None:
    whole = compressed(lines_of([exported(number) for number in range(1, 3_001)]), suffix)
    path = tmp_path / f"statements{suffix}"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    result = command(settings_with_sender, "import", path, "--sender", "mover", "--json")
    assert result.exit_code == 1
    assert "cut or broken after line" in result.stderr
    accepted = told(result)["accepted"]
    assert 500 < accepted == counted(settings_with_sender, "xapi_statement") < 3_000
    path.write_bytes(whole)
    assert brought(settings_with_sender, path)["accepted"] == 3_000
    assert counted(settings_with_sender, "xapi_statement") == 3_000


@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_a_killed_import_goes_on_where_it_was(settings_with_sender: Settings, tmp_path: Path, suffix: str) -> None:
    statements = [exported(number) if number % 100 else {"number": number} for number in range(1, MANY + 1)]
    content = lines_of(statements)
    path = tmp_path / f"statements.jsonl{suffix}"
    path.write_bytes(compressed(content, suffix))
    before = path.stat()
    done = _killed_after(settings_with_sender, path, lines=1_000)
    assert 1_000 <= done < MANY
    assert 0 < counted(settings_with_sender, "xapi_statement") < MANY
    if not suffix:
        # Were the file read again from its beginning, its first line would be refused now.
        path.write_bytes(b"#" + content[1:])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    result = command(settings_with_sender, "import", path, "--sender", "mover", "--json")
    assert result.exit_code == 1
    report = told(result)
    assert (report["lines"], report["accepted"], report["refused"]) == (MANY, MANY * 99 // 100, MANY // 100)
    assert [line["line"] for line in report["refused_lines"]] == list(range(100, MANY + 1, 100))
    for table in ("xapi_statement", "xapi_statement_id"):
        assert counted(settings_with_sender, table) == MANY * 99 // 100
    # At the end the checkpoint is gone, and the same command begins at the first line again.
    path.write_bytes(compressed(content, suffix))
    assert told(command(settings_with_sender, "import", path, "--sender", "mover", "--json")) == report


def _killed_after(settings: Settings, path: Path, *, lines: int) -> int:
    """Kill an import without warning when it has done so many lines; returns how many it had noted."""
    folder = settings.data_dir / "xapi-imports"
    known = set(folder.glob("*.json"))
    words = [*OWN_PROCESS, "import", str(path), "--sender", "mover"]
    with Popen(words, env=environment(settings), stdout=DEVNULL, stderr=DEVNULL) as process:
        deadline = time.monotonic() + 60
        done = 0
        while done < lines and process.poll() is None and time.monotonic() < deadline:
            for checkpoint in set(folder.glob("*.json")) - known:
                done = json.loads(checkpoint.read_text())["lines"]
            time.sleep(0.002)
        process.kill()
    return done
