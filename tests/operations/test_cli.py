"""The command says what it did, or what is wrong and where, to people and to programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.operations import cli
from academe.platform.settings import Settings
from tests.operations.mini_oulad import CLICKS, MiniOulad


@pytest.fixture(autouse=True)
def _own(own_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "settings_of_command", lambda: own_settings)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", "oulad", *map(str, arguments)])


class TestImportOulad:
    def test_a_program_reads_json(self, source: Path) -> None:
        result = run(source, "--json")
        assert result.exit_code == 0
        said = json.loads(result.stdout)
        assert (said["clicks"], said["read"]["studentVle.csv"], said["updated"]) == (CLICKS, 9, 0)
        assert json.loads(run(source, "--json").stdout)["inserted"] == 0

    def test_a_person_reads_a_table(self, source: Path) -> None:
        result = run(source)
        assert result.exit_code == 0
        assert "activity 2013-10" in result.stdout

    def test_wrong_files_are_reported(self, mini: MiniOulad, tmp_path: Path) -> None:
        mini.rows["studentVle.csv"][0][5] = "x"
        report = tmp_path / "report.csv"
        result = run(mini.archive(tmp_path / "wrong.zip"), "--report", report, "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["faults"][0] == {
            "file": "studentVle.csv",
            "line": 2,
            "column": "sum_click",
            "message": '"x" is not a whole number',
        }
        assert 'line 2, studentVle.csv sum_click: "x" is not a whole number' in result.stderr
        assert report.read_text().splitlines()[1] == 'studentVle.csv,2,sum_click,"""x"" is not a whole number"'
