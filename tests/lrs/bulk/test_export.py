"""`academe lrs export`: on a database of the test's own."""

import json
from pathlib import Path
from typing import Any

import pytest

from academe.platform.settings import Settings
from tests.lrs.bulk.files import command, decompressed, exported, lines_of, told

VOIDS = {"id": "http://adlnet.gov/expapi/verbs/voided"}
COUNT = 1_234


@pytest.fixture
def filled(settings_with_sender: Settings) -> Settings:
    """A store with statements of numbers from 1 on, of which the last one voids the tenth."""
    voiding = exported(COUNT, verb=VOIDS, object={"objectType": "StatementRef", "id": exported(10)["id"]})
    given = lines_of([*(exported(number) for number in range(1, COUNT)), voiding])
    result = command(settings_with_sender, "import", "-", "--sender", "mover", given=given)
    assert result.exit_code == 0, result.stderr
    return settings_with_sender


def written(settings: Settings, path: Path, *more: str) -> list[dict[str, Any]]:
    """The statements in a file after an export to it."""
    result = command(settings, "export", path, "--json", *more)
    assert result.exit_code == 0, result.stderr
    return statements_in(path.read_bytes(), path.suffix)


def statements_in(content: bytes, suffix: str = "") -> list[dict[str, Any]]:
    return [json.loads(line) for line in decompressed(content, suffix).splitlines()]


def numbers(statements: list[dict[str, Any]]) -> list[int]:
    return [int(statement["id"][-6:], 16) for statement in statements]


ALL = [number for number in range(1, COUNT + 1) if number != 10]


@pytest.mark.parametrize("suffix", [".jsonl", ".gz", ".zst"])
def test_an_export_is_everything_in_order_and_is_gone_on_with(filled: Settings, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"statements{suffix}"
    statements = written(filled, path)
    assert numbers(statements) == ALL
    assert statements == sorted(statements, key=lambda statement: str(statement["stored"]))
    assert statements[0].keys() == {"id", "stored", "timestamp", "authority", "actor", "verb", "object", "version"}
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    for cut in (len(whole) - 1, len(whole) - 100, len(whole) * 2 // 3):
        path.write_bytes(whole[:cut])
        assert written(filled, path, "--resume") == statements
    # Complete, it has nothing to add but what has come since.
    path.write_bytes(whole)
    assert written(filled, path, "--resume") == statements
    assert command(filled, "import", "-", "--sender", "mover", given=lines_of([exported(5_000)])).exit_code == 0
    assert numbers(written(filled, path, "--resume")) == [*ALL, 5_000]


def test_what_is_exported_can_be_imported(filled: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.zst"
    written(filled, path, "--with-voided")
    again = command(filled, "import", path, "--sender", "mover", "--json")
    assert again.exit_code == 0, again.stderr
    assert told(again)["accepted"] == COUNT


def test_filters_choose(filled: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    every = {statement["id"]: statement for statement in written(filled, path, "--with-voided")}
    assert numbers(list(every.values())) == list(range(1, COUNT + 1))
    middle = every[exported(700)["id"]]["stored"]

    def chosen(*options: str) -> list[int]:
        return numbers(written(filled, path, "--overwrite", *options))

    assert chosen("--since", middle) == [number for number in ALL if number > 700]
    assert chosen("--until", middle) == [number for number in ALL if number <= 700]
    assert chosen("--verb", VOIDS["id"]) == [COUNT]
    of_agent = [number for number in ALL if number % 7 == 2]
    assert chosen("--agent", '{"mbox": "mailto:student2@example.com"}') == of_agent
    of_activity = [number for number in ALL if number % 5 == 1 and number < COUNT]
    assert chosen("--activity", "https://old.example.org/quiz/1") == of_activity
    voided = chosen("--activity", "https://old.example.org/quiz/0", "--with-voided", "--until", middle)
    assert voided == list(range(5, 701, 5))


def test_standard_output_is_a_file_too(filled: Settings) -> None:
    plain = command(filled, "export", "-", "--json")
    assert numbers(statements_in(plain.stdout_bytes)) == ALL
    assert json.loads(plain.stderr.splitlines()[-1])["statements"] == len(ALL)
    packed = command(filled, "export", "-", "--compression", "gzip")
    assert statements_in(packed.stdout_bytes, ".gz") == statements_in(plain.stdout_bytes)


def test_attachments_that_stay_behind_are_counted(settings_with_sender: Settings, tmp_path: Path) -> None:
    attached = {
        "usageType": "https://example.com/certificate",
        "display": {"en": "Certificate"},
        "contentType": "text/plain",
        "length": 3,
        "sha2": "a" * 64,
        "fileUrl": "https://old.example.org/a",
    }
    given = lines_of([exported(1, attachments=[attached]), exported(2)])
    result = command(settings_with_sender, "import", "-", "--sender", "mover", "--json", given=given)
    assert told(result)["with_attachments"] == 1
    result = command(settings_with_sender, "export", tmp_path / "a.jsonl", "--json")
    assert told(result)["with_attachments"] == 1


def test_no_file_is_lost(filled: Settings, tmp_path: Path) -> None:
    path = tmp_path / "letter.jsonl"
    path.write_text("Dear Ada,\nyours\n")
    refused = command(filled, "export", path)
    assert refused.exit_code == 1
    assert "--resume to go on with it, or --overwrite" in refused.stderr
    assert command(filled, "export", path, "--resume").exit_code == 1
    for suffix in (".gz", ".zst"):
        packed = path.rename(path.with_suffix(suffix))
        assert "Nothing in this file can be read" in command(filled, "export", packed, "--resume").stderr
        assert packed.read_text() == "Dear Ada,\nyours\n"
        path = packed


def test_what_is_wrong_is_said(own_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "statements.jsonl"
    for options, said in (
        (("--since", "yesterday"), "since: This must be a time"),
        (("--agent", "{"), "agent: "),
        (("--agent", '{"objectType": "Group", "member": []}'), "agent"),
    ):
        result = command(own_settings, "export", path, *options)
        assert result.exit_code == 1
        assert said in result.stderr
    assert command(own_settings, "export", path, "--resume", "--overwrite").exit_code == 2
    assert command(own_settings, "export", "-", "--resume").exit_code == 2
    assert not path.exists()
