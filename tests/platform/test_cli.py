"""Commands end with an exit code that tells, say one line about what is wrong, and print JSON for programs."""

import json
from collections.abc import Iterator

import psycopg
import pytest
import typer
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner, Result

from academe.cli import app
from academe.platform import commands
from academe.platform.commands import CommandGroup, run, settings_of_command
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.settings import Settings, get_settings
from tests.support.databases import ServerOfTests

trial = typer.Typer(cls=CommandGroup, pretty_exceptions_enable=False)


@trial.callback()
def root(debug: bool = False) -> None:
    """The trial commands."""


FAILURES: dict[str, Exception] = {
    "refused": ConflictError("The term is closed."),
    "input": InvalidInputError("2 lines are wrong.", errors=[FieldError("score", "is no number", line=7)]),
    "many": InvalidInputError("Many.", errors=[FieldError(f"f{n}", "wrong") for n in range(30)]),
    "database": OperationalError("SELECT 1", {}, psycopg.OperationalError("connection refused\nsecond line")),
    "file": FileNotFoundError(2, "No such file or directory", "oulad.zip"),
    "bug": RuntimeError("first line\nsecond line"),
}


@trial.command()
def fail(name: str) -> None:
    """Fail in one way."""
    raise FAILURES[name]


@trial.command()
def add(numbers: list[int], as_json: commands.AsJson = False) -> None:
    """Add numbers."""

    async def sum_up() -> int:
        return sum(numbers)

    total = run(sum_up())
    if as_json:
        commands.print_json({"total": total, "note": "[not markup] " + "long " * 50})


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(trial, list(arguments))


class TestExitCodes:
    def test_all_is_well(self) -> None:
        assert invoke("add", "1", "2").exit_code == 0

    @pytest.mark.parametrize("name", sorted(FAILURES))
    def test_something_is_wrong(self, name: str) -> None:
        result = invoke("fail", name)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.output
        assert not result.stdout

    @pytest.mark.parametrize("arguments", [["nonsense"], ["add", "one"], ["fail"]])
    def test_a_command_not_understood(self, arguments: list[str]) -> None:
        assert invoke(*arguments).exit_code == 2

    def test_settings_not_understood(self, monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
        monkeypatch.setenv("ACADEME_PORT", "many")
        result = CliRunner().invoke(app, ["db", "stop"])
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ACADEME_PORT")


class TestMessages:
    def test_the_error_says_what_it_is(self) -> None:
        assert invoke("fail", "refused").stderr == "Error: The term is closed.\n"

    def test_lines_are_named(self) -> None:
        assert invoke("fail", "input").stderr.splitlines()[1] == "  line 7, score: is no number"

    def test_not_all_of_very_many(self) -> None:
        lines = invoke("fail", "many").stderr.splitlines()
        assert len(lines) == 22
        assert lines[-1] == "  ... and 10 more"

    def test_the_database_says_it_in_one_line(self) -> None:
        assert invoke("fail", "database").stderr == "Error: The database refused: connection refused\n"

    def test_a_missing_file_is_named(self) -> None:
        assert invoke("fail", "file").stderr == "Error: No such file or directory: oulad.zip\n"

    def test_a_fault_of_ours_says_how_to_see_more(self) -> None:
        stderr = invoke("fail", "bug").stderr
        assert "RuntimeError: first line" in stderr
        assert "--debug" in stderr
        assert "second line" not in stderr

    def test_debug_lets_everything_through(self) -> None:
        result = invoke("--debug", "fail", "bug")
        assert isinstance(result.exception, RuntimeError)


class TestJson:
    def test_is_one_document_on_standard_output(self) -> None:
        result = invoke("add", "1", "2", "--json")
        document = json.loads(result.stdout)
        assert document["total"] == 3
        assert document["note"].startswith("[not markup]")


@pytest.fixture
def fresh_settings() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def installation(own_settings: Settings, monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
    """The environment of an installation on a database of this test alone."""
    monkeypatch.setenv("ACADEME_DATA_DIR", str(own_settings.data_dir))
    monkeypatch.setenv("DATABASE_URL", str(own_settings.database_url))
    monkeypatch.setenv("DATABASE_OWNER_URL", str(own_settings.database_owner_url))


@pytest.mark.usefixtures("installation")
class TestDatabase:
    def test_migrate_says_where_the_database_is(self) -> None:
        result = CliRunner().invoke(app, ["db", "migrate", "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["applied"] == []

    def test_verify_finds_a_sound_database_sound(self) -> None:
        result = CliRunner().invoke(app, ["db", "verify", "--json"])
        found = json.loads(result.stdout)
        assert [check for check in found["checks"] if not check["ok"]] == []
        assert result.exit_code == 0

    def test_verify_finds_a_fault(self, own_settings: Settings, server: ServerOfTests) -> None:
        assert own_settings.database_url is not None
        with server.superuser(str(own_settings.database_url.path).lstrip("/")) as connection:
            connection.execute("ALTER TABLE person DISABLE ROW LEVEL SECURITY")
        result = CliRunner().invoke(app, ["db", "verify"])
        assert result.exit_code == 1
        assert "person" in result.stdout

    def test_stop_leaves_a_server_that_is_not_ours(self) -> None:
        result = CliRunner().invoke(app, ["db", "stop"])
        assert result.exit_code == 1
        assert "DATABASE_URL" in result.stderr

    def test_psql_hides_the_password_and_takes_the_role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        called: list[list[str]] = []
        monkeypatch.setattr("os.execv", lambda _program, arguments: called.append(arguments))
        monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/psql")
        monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner:hunter2@localhost/academe")
        monkeypatch.setenv("PGPASSWORD", "")
        result = CliRunner().invoke(app, ["db", "psql"])
        assert result.exit_code == 0, result.output
        assert called == [["/usr/bin/psql", "postgresql://owner@localhost/academe"]]


@pytest.mark.usefixtures("installation")
class TestAudit:
    def test_a_whole_chain(self) -> None:
        result = CliRunner().invoke(app, ["audit", "verify", "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["whole"] is True

    def test_a_head_that_is_not_in_it(self) -> None:
        result = CliRunner().invoke(app, ["audit", "verify", "--expect-head", "ab" * 32])
        assert result.exit_code == 1
        assert "Faults of the audit" in result.stdout

    def test_a_head_that_is_no_hash(self) -> None:
        result = CliRunner().invoke(app, ["audit", "verify", "--expect-head", "xyz"])
        assert result.exit_code == 1
        assert "hexadecimal" in result.stderr


@pytest.mark.usefixtures("installation")
class TestKeys:
    def test_rotate_makes_a_new_key(self) -> None:
        first = json.loads(CliRunner().invoke(app, ["keys", "rotate", "--json"]).stdout)
        second = json.loads(CliRunner().invoke(app, ["keys", "rotate", "--json"]).stdout)
        assert second["key"] > first["key"]


@pytest.mark.usefixtures("installation")
def test_the_worker_ends_when_no_job_is_left() -> None:
    result = CliRunner().invoke(app, ["worker", "--until-empty"])
    assert result.exit_code == 0, result.output


def test_a_command_reads_settings_once(fresh_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACADEME_LOG_LEVEL", "LOUD")
    with pytest.raises(ValidationError):
        settings_of_command()
