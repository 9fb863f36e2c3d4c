import pytest

from scripts.audit import Outcome, conclude, npm_outcome, python_outcome

VULNERABLE = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


class TestPythonReport:
    def test_names_each_vulnerability_and_its_fix(self) -> None:
        outcome = python_outcome({"dependencies": [VULNERABLE, {"name": "rich", "version": "15", "vulns": []}]})
        assert outcome.audited == 2
        assert outcome.known == [
            "jinja2 2.0: PYSEC-1 (fixed in 2.1, 3.0)",
            "jinja2 2.0: PYSEC-2 (fixed in no version yet)",
        ]

    def test_a_skipped_package_is_not_audited(self) -> None:
        outcome = python_outcome({"dependencies": [{"name": "rich", "skip_reason": "rich: not found"}]})
        assert (outcome.audited, outcome.unaudited) == (0, ["rich: not found"])


class TestNpmReport:
    def test_names_each_vulnerability(self) -> None:
        report = {
            "vulnerabilities": {"htmx.org": {"severity": "high", "range": "<2.0.1"}},
            "metadata": {"dependencies": {"total": 7}},
        }
        assert npm_outcome(report) == Outcome(7, ["htmx.org: high, affects <2.0.1"])

    def test_an_error_is_not_a_clean_report(self) -> None:
        assert npm_outcome({"message": "405 Method Not Allowed", "method": "POST"}).unaudited == [
            "front end: 405 Method Not Allowed"
        ]


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome(3), Outcome(4)], 0),
        ([Outcome(3, known=["a"]), Outcome(0, unaudited=["b"])], 1),
        ([Outcome(3), Outcome(0, unaudited=["b"])], 2),
    ],
)
def test_the_exit_code_tells(outcomes: list[Outcome], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert conclude(outcomes) == code
    assert ("nothing is proved" in capsys.readouterr().out) == (code == 2)
