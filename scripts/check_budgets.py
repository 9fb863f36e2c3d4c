"""Check the budgets of the house: length of files, functions and templates, and where imports stand.

A length over its budget is a warning, over its limit a failure. Prints one `path:line: message` per finding,
which editors and the build server turn into links; exits 1 when anything failed.

Usage: python -m scripts.check_budgets [ROOT]
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_BUDGET, FILE_LIMIT = 400, 600
FUNCTION_BUDGET, FUNCTION_LIMIT = 40, 80
TEMPLATE_LIMIT = 200

CODE_FOLDERS = ("src", "tests", "scripts", "benchmarks", "migrations")
# They know every module and start fast only because they import what a command needs when it runs.
COMPOSITION_ROOTS = frozenset(Path("src/academe") / name for name in ("app.py", "worker.py", "cli.py"))
# A migration is written once, in the order the schema needs, and never grows again.
WITHOUT_LENGTHS = Path("migrations/versions")


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One place that is over a budget; `path` is relative to the root, `line` starts at 1."""

    path: Path
    line: int
    message: str
    fails: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {'error' if self.fails else 'warning'}: {self.message}"


def over(what: str, lines: int, budget: int, limit: int) -> tuple[str, bool] | None:
    """The message for a length, and whether it fails; None within the budget."""
    if lines > limit:
        return f"{what} has {lines} lines (limit {limit})", True
    if lines > budget:
        return f"{what} has {lines} lines (budget {budget}, limit {limit})", False
    return None


def check_python(path: Path, source: str) -> Iterator[Finding]:
    """Findings of one Python file; `path` is relative to the root and decides what is allowed there."""
    try:
        tree = ast.parse(source, filename=str(path))
    except SyntaxError as error:
        yield Finding(
            path,
            error.lineno or 1,
            f"not Python {sys.version_info[0]}.{sys.version_info[1]}: {error.msg}",
            True,
        )
        return
    lengths_count = not path.is_relative_to(WITHOUT_LENGTHS)
    if lengths_count and (verdict := over("file", len(source.splitlines()), FILE_BUDGET, FILE_LIMIT)):
        yield Finding(path, 1, *verdict)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        verdict = over(f"function {function.name}", lines, FUNCTION_BUDGET, FUNCTION_LIMIT)
        if lengths_count and verdict:
            yield Finding(path, function.lineno, *verdict)
    if path not in COMPOSITION_ROOTS:
        yield from check_imports(path, tree)


def check_imports(path: Path, tree: ast.Module) -> Iterator[Finding]:
    """Findings for imports that run when a function is called instead of when the file is loaded."""
    inside = {
        statement.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(function)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    }
    for line in sorted(inside):
        yield Finding(path, line, "import inside a function; only composition roots may do that", True)


def check_template(path: Path, source: str) -> Iterator[Finding]:
    """Findings of one page template."""
    if verdict := over("template", len(source.splitlines()), TEMPLATE_LIMIT, TEMPLATE_LIMIT):
        yield Finding(path, 1, *verdict)


def check(root: Path) -> list[Finding]:
    """Findings of the whole checkout at `root`, in the order of paths and lines."""
    findings: list[Finding] = []
    for folder in CODE_FOLDERS:
        for file in (root / folder).rglob("*.py"):
            findings.extend(check_python(file.relative_to(root), file.read_text(encoding="utf-8")))
    for file in (root / "src").rglob("templates/**/*"):
        if file.is_file():
            findings.extend(check_template(file.relative_to(root), file.read_text(encoding="utf-8")))
    return sorted(findings)


def main(arguments: list[str]) -> int:
    """Print the findings below the given root, or this checkout; 1 when one fails."""
    root = Path(arguments[0]) if arguments else Path(__file__).parent.parent
    findings = check(root)
    for finding in findings:
        print(finding)
    failures = sum(finding.fails for finding in findings)
    print(f"budgets: {failures} over the limit, {len(findings) - failures} over the budget")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
