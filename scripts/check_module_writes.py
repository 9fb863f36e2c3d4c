"""Check what imports cannot show: no module of Academe writes another module's tables.

Reading a lower module's models for joins is allowed, so an import of them proves nothing. This reads the
syntax tree of every file and reports where a foreign model is constructed, given to insert, update, delete
or the session, assigned to through an instance, or written by SQL in a string or a .sql file. Instances are
recognised where the file itself says what they are: an annotation, a constructor, `session.get(Model, ...)`,
`select(Model)`, or a function whose return type names the model. Composition roots own no table: every
write there is foreign.

Prints one `path:line: message` per finding; exits 1 when there is one.

Usage: python -m scripts.check_module_writes [ROOT]
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.ownership import PACKAGE, Names, Ownership, collect_models, collect_returns, module_of

WRITE_FUNCTIONS = frozenset({"insert", "update", "delete"})
SESSION_METHODS = frozenset(
    {"add", "add_all", "delete", "merge", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"}
)
COLLECTION_METHODS = frozenset({"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "update"})
GETTERS = frozenset({"get", "get_one", "select"})
# Calls that hand on what they are given, and methods that hand on what they are called on.
CARRIERS = frozenset({"execute", "iter", "list", "next", "reversed", "scalar", "scalars", "sorted", "stream", "tuple"})
CHAINED = frozenset(
    {
        "all",
        "execution_options",
        "fetchall",
        "first",
        "join",
        "limit",
        "one",
        "one_or_none",
        "options",
        "order_by",
    }
    | {"scalar_one", "scalar_one_or_none", "scalars", "unique", "where", "with_for_update"}
)

TABLE = r"(?:ONLY\s+)?(?:\"?\w+\"?\.)?\"?(?P<table>\w+)\"?"
WRITING_SQL = re.compile(
    rf"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?)\s+{TABLE}"
    rf"|\bUPDATE\s+{TABLE.replace('?P<table>', '?P<updated>')}\s+(?:(?:AS\s+)?\w+\s+)?SET\b"
    rf"|\bCOPY\s+{TABLE.replace('?P<table>', '?P<copied>')}\s*(?:\([^)]*\)\s*)?FROM\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True, slots=True)
class Finding:
    """One write into another module; `path` is relative to the root, `line` starts at 1."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Writes(ast.NodeVisitor):
    """Collects the foreign writes of one file, in the order of its statements."""

    def __init__(self, path: Path, names: Names) -> None:
        self.path = path
        self.names = names
        self.findings: list[Finding] = []
        self.scopes: list[dict[str, str]] = [{}]

    def report(self, node: ast.AST, what: str, model: str) -> None:
        owner = model.partition(".")[0]
        message = f"{self.names.module} {what}; only {owner} writes its tables, go through {PACKAGE}.{owner}.api"
        self.findings.append(Finding(self.path, getattr(node, "lineno", 1), message))

    # --- which variables hold instances of foreign models ---

    def instance(self, node: ast.expr | None) -> str | None:
        """The foreign model that an expression is an instance, or a collection of instances, of."""
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in reversed(self.scopes) if node.id in scope), None)
        if isinstance(node, ast.Await | ast.Subscript):
            return self.instance(node.value)
        if isinstance(node, ast.Call):
            method = node.func if isinstance(node.func, ast.Attribute) else None
            chained = method.value if method and method.attr in CHAINED else None
            return self.result(node) or self.instance(chained)
        return None

    def result(self, call: ast.Call) -> str | None:
        """The foreign model that a call returns: constructed, fetched, or named by a return type."""
        if model := self.names.foreign_model(call.func):
            return model
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        first = call.args[0] if call.args else None
        if first and name in GETTERS:
            return self.names.foreign_model(first)
        if name in CARRIERS:
            return next((model for argument in call.args if (model := self.instance(argument))), None)
        owned = self.names.owned_name(call.func) or (self.names.module, name)
        returned = self.names.ownership.returns.get(owned)
        return returned if returned and not returned.startswith(f"{self.names.module}.") else None

    def bind(self, target: ast.expr, model: str | None) -> None:
        if isinstance(target, ast.Name):
            self.scopes[-1].pop(target.id, None)
            if model:
                self.scopes[-1][target.id] = model

    def visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        known = {argument.arg: self.names.foreign_model_in(argument.annotation) for argument in arguments}
        self.scopes.append({name: model for name, model in known.items() if model})
        self.generic_visit(node)
        self.scopes.pop()

    visit_FunctionDef = visit_function
    visit_AsyncFunctionDef = visit_function

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        """The loop variable is what the collection holds."""
        self.bind(node.target, self.instance(node.iter))
        self.generic_visit(node)

    visit_AsyncFor = visit_For

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        """The name is what the value is."""
        self.bind(node.target, self.instance(node.value))
        self.generic_visit(node)

    # --- writes ---

    def check_target(self, target: ast.expr) -> None:
        for part in ast.walk(target):
            if not (isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store | ast.Del)):
                continue
            if model := self.instance(part.value):
                self.report(part, f"assigns {part.attr} of {model}", model)

    def visit_Assign(self, node: ast.Assign) -> None:
        """`person.name = ...`, and what a new name stands for."""
        for target in node.targets:
            self.check_target(target)
            self.bind(target, self.instance(node.value))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """`person.visits += 1`."""
        self.check_target(node.target)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """`person: Person = ...` says what the name is."""
        self.check_target(node.target)
        self.bind(node.target, self.names.foreign_model_in(node.annotation))
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        """`del person.name`."""
        for target in node.targets:
            self.check_target(target)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Constructors, insert/update/delete, the session's methods, setattr, changed collections."""
        if model := self.names.foreign_model(node.func):
            self.report(node, f"constructs {model}", model)
        else:
            self.check_function(node)
            if isinstance(node.func, ast.Attribute):
                self.check_method(node, node.func)
        self.generic_visit(node)

    def check_function(self, node: ast.Call) -> None:
        local = getattr(node.func, "id", getattr(node.func, "attr", ""))
        name = (self.names.resolve(node.func) or local).rpartition(".")[2]
        first = node.args[0] if node.args else None
        if first is not None and name in WRITE_FUNCTIONS and (model := self.names.foreign_model(first)):
            self.report(node, f"calls {name} on {model}", model)
        if first is not None and name == "setattr" and (model := self.instance(first)):
            self.report(node, f"assigns an attribute of {model}", model)

    def check_method(self, node: ast.Call, method: ast.Attribute) -> None:
        name, owner = method.attr, method.value
        if name in WRITE_FUNCTIONS and isinstance(owner, ast.Attribute) and (model := self.names.foreign_model(owner)):
            self.report(node, f"calls {name} on {model}", model)
        owner_name = getattr(owner, "attr", getattr(owner, "id", ""))
        if name in SESSION_METHODS and owner_name.endswith("session"):
            for argument in node.args:
                given = argument.elts if isinstance(argument, ast.List | ast.Tuple | ast.Set) else [argument]
                for part in given:
                    if model := self.instance(part) or (self.names.foreign_model(part) if "bulk" in name else None):
                        self.report(node, f"gives {model} to session.{name}", model)
        elif name in COLLECTION_METHODS and isinstance(owner, ast.Attribute) and (model := self.instance(owner.value)):
            self.report(node, f"changes {owner.attr} of {model}", model)

    # --- SQL in strings ---

    def visit_Expr(self, node: ast.Expr) -> None:
        """A string that stands alone is documentation."""
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """SQL in a plain string."""
        if isinstance(node.value, str):
            self.check_sql(node, node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """SQL in an f-string, with its holes left open."""
        parts = [part.value if isinstance(part, ast.Constant) else "?" for part in node.values]
        self.check_sql(node, "".join(str(part) for part in parts))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def check_sql(self, node: ast.AST, text: str) -> None:
        for table, line in foreign_tables(text, self.names.module, self.names.ownership):
            self.report_sql(getattr(node, "lineno", 1) + line, table)

    def report_sql(self, line: int, table: str) -> None:
        owner = self.names.ownership.tables[table]
        self.report(ast.Pass(lineno=line), f"writes {table} in SQL", f"{owner}.{table}")


def foreign_tables(text: str, module: str, ownership: Ownership) -> Iterator[tuple[str, int]]:
    """Tables of other modules that SQL writes, each with the number of lines before it."""
    for match in WRITING_SQL.finditer(text):
        table = next(name for name in match.groups() if name)
        if ownership.tables.get(table, module) != module:
            yield table, text.count("\n", 0, match.start())


def check(root: Path) -> list[Finding]:
    """Findings of the package under `root`/src, in the order of paths and lines."""
    package = root / "src" / PACKAGE
    trees = {
        file.relative_to(package): ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
        for file in sorted(package.rglob("*.py"))
    }
    ownership = Ownership()
    for path, tree in trees.items():
        collect_models(tree, module_of(path), ownership)
    all_names = {path: Names(tree, module_of(path), ownership) for path, tree in trees.items()}
    collect_returns(trees, all_names, ownership)

    findings: list[Finding] = []
    for path, tree in trees.items():
        writes = Writes(Path("src", PACKAGE, path), all_names[path])
        writes.visit(tree)
        findings.extend(writes.findings)
    for file in sorted(package.rglob("*.sql")):
        path, text = file.relative_to(package), file.read_text(encoding="utf-8")
        writes = Writes(Path("src", PACKAGE, path), Names(ast.Module([], []), module_of(path), ownership))
        writes.check_sql(ast.Pass(lineno=1), text)
        findings.extend(writes.findings)
    return sorted(set(findings))


def main(arguments: list[str]) -> int:
    """Print the findings below the given root, or this checkout; 1 when there is one."""
    findings = check(Path(arguments[0]) if arguments else Path(__file__).parent.parent)
    for finding in findings:
        print(finding)
    print(f"module writes: {len(findings)} into another module's tables")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
