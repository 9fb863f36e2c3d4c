from pathlib import Path

import pytest

from scripts.check_budgets import Finding, check, check_python, check_template, main

SERVICE = Path("src/academe/academics/service.py")


def body(lines: int) -> str:
    """A function of exactly `lines` lines."""
    return "def grade():\n" + "    pass\n" * (lines - 1)


def messages(path: Path, source: str) -> list[tuple[int, str, bool]]:
    return [(finding.line, finding.message, finding.fails) for finding in check_python(path, source)]


class TestLengths:
    def test_up_to_the_budget_is_silent(self) -> None:
        assert messages(SERVICE, "x = 1\n" * 360 + body(40)) == []

    def test_over_the_budget_warns(self) -> None:
        assert messages(SERVICE, "x = 1\n" * 360 + body(41)) == [
            (1, "file has 401 lines (budget 400, limit 600)", False),
            (361, "function grade has 41 lines (budget 40, limit 80)", False),
        ]

    def test_over_the_limit_fails(self) -> None:
        assert messages(SERVICE, "x = 1\n" * 520 + body(81)) == [
            (1, "file has 601 lines (limit 600)", True),
            (521, "function grade has 81 lines (limit 80)", True),
        ]

    def test_async_methods_count_like_functions(self) -> None:
        source = "class Roster:\n    async def load(self):\n" + "        pass\n" * 80
        assert messages(SERVICE, source) == [(2, "function load has 81 lines (limit 80)", True)]

    def test_a_migration_is_as_long_as_the_schema_needs(self) -> None:
        assert messages(Path("migrations/versions/2026_11_21_foundation.py"), "x = 1\n" * 700 + body(90)) == []

    def test_a_template_may_have_200_lines(self) -> None:
        page = Path("src/academe/academics/templates/academics/roster.html")
        assert list(check_template(page, "<p>\n" * 200)) == []
        assert [finding.fails for finding in check_template(page, "<p>\n" * 201)] == [True]


class TestImportsInsideFunctions:
    SOURCE = "def load():\n    if True:\n        import json\n    from os import path\n"

    def test_fail_anywhere_else(self) -> None:
        assert [(line, fails) for line, _, fails in messages(SERVICE, self.SOURCE)] == [(3, True), (4, True)]
        assert len(messages(Path("src/academe/platform/app.py"), self.SOURCE)) == 2

    @pytest.mark.parametrize("root", ["app.py", "worker.py", "cli.py"])
    def test_are_allowed_in_composition_roots(self, root: str) -> None:
        assert messages(Path("src/academe") / root, self.SOURCE) == []

    def test_at_the_top_of_the_file_are_fine(self) -> None:
        assert messages(SERVICE, "import json\nif json:\n    import os\n") == []


def test_a_file_that_does_not_parse_is_reported_where_it_breaks() -> None:
    [(line, message, fails)] = messages(SERVICE, "x = 1\ndef :\n")
    assert (line, fails) == (2, True)
    assert message.startswith("not Python 3.")


def test_a_finding_reads_like_a_compiler_message() -> None:
    assert str(Finding(SERVICE, 7, "too long", True)) == "src/academe/academics/service.py:7: error: too long"


class TestCommand:
    def test_exits_1_when_a_limit_is_passed(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / SERVICE
        file.parent.mkdir(parents=True)
        file.write_text(body(81))
        assert main([str(tmp_path)]) == 1
        assert capsys.readouterr().out.splitlines() == [
            "src/academe/academics/service.py:1: error: function grade has 81 lines (limit 80)",
            "budgets: 1 over the limit, 0 over the budget",
        ]

    def test_exits_0_on_warnings_alone(self, tmp_path: Path) -> None:
        page = tmp_path / "src/academe/academics/templates/academics/roster.html"
        page.parent.mkdir(parents=True)
        page.write_text("<p></p>\n" * 200)
        file = tmp_path / SERVICE
        file.write_text(body(41))
        assert [finding.fails for finding in check(tmp_path)] == [False]
        assert main([str(tmp_path)]) == 0
