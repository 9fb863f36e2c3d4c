"""Who owns which model and table of Academe, and what the names of a file stand for: read from the syntax."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "academe"
ROOT_FILES = "the composition root"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns what: model classes and functions by (module, name), tables by name."""

    classes: set[tuple[str, str]] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)
    returns: dict[tuple[str, str], str] = field(default_factory=dict)
    """The model, as `module.Class`, that the return type of a function names."""


def module_of(path: Path) -> str:
    """The module that a file, relative to the package, belongs to."""
    return path.parts[0] if len(path.parts) > 1 else ROOT_FILES


def assigned_string(statement: ast.stmt, name: str) -> str | None:
    """The string that a statement of a class body assigns to `name`, if it does."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    value = getattr(statement, "value", None)
    if any(isinstance(target, ast.Name) and target.id == name for target in targets):
        return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return None


def collect_models(tree: ast.Module, module: str, ownership: Ownership) -> None:
    """Note the model classes and tables that one file defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            tables = [table for statement in node.body if (table := assigned_string(statement, "__tablename__"))]
            inherited = any(
                isinstance(base, ast.Name) and (module, base.id) in ownership.classes for base in node.bases
            )
            if tables or inherited:
                ownership.classes.add((module, node.name))
            ownership.tables.update(dict.fromkeys(tables, module))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            callee, arguments = node.value.func, node.value.args
            if getattr(callee, "id", getattr(callee, "attr", None)) == "Table" and arguments:
                if isinstance(arguments[0], ast.Constant) and isinstance(arguments[0].value, str):
                    ownership.tables[arguments[0].value] = module
                ownership.classes.update((module, target.id) for target in node.targets if isinstance(target, ast.Name))


class Names:
    """What the names of one file stand for, as dotted paths."""

    def __init__(self, tree: ast.Module, module: str, ownership: Ownership) -> None:
        self.module = module
        self.ownership = ownership
        self.origins: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.origins[alias.asname or alias.name.partition(".")[0]] = (
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    self.origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and (origin := self.resolve(node.value)):
                self.origins.update({target.id: origin for target in node.targets if isinstance(target, ast.Name)})

    def resolve(self, node: ast.expr) -> str | None:
        """The dotted path of a name or attribute that was imported."""
        if isinstance(node, ast.Name):
            return self.origins.get(node.id)
        if isinstance(node, ast.Attribute) and (owner := self.resolve(node.value)):
            return f"{owner}.{node.attr}"
        return None

    def owned_name(self, node: ast.expr) -> tuple[str, str] | None:
        """Module and last name of something imported from the package, whichever file it came through."""
        parts = (self.resolve(node) or "").split(".")
        if parts[0] == PACKAGE and len(parts) >= 3:
            return parts[1], parts[-1]
        return None

    def foreign_model(self, node: ast.expr) -> str | None:
        """`module.Class` when the expression is a model of another module, or its table."""
        if isinstance(node, ast.Attribute) and node.attr == "__table__":
            node = node.value
        owned = self.owned_name(node)
        if owned and owned[0] != self.module and owned in self.ownership.classes:
            return ".".join(owned)
        return None

    def foreign_model_in(self, annotation: ast.expr | None) -> str | None:
        """The first foreign model that an annotation names, be it `Model | None` or `list[Model]`."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        parts = ast.walk(annotation) if annotation else ()
        models = (self.foreign_model(part) for part in parts if isinstance(part, ast.expr))
        return next((model for model in models if model), None)


def collect_returns(trees: dict[Path, ast.Module], all_names: dict[Path, Names], ownership: Ownership) -> None:
    """Note which functions return a model, of their own module or another."""
    for path, tree in trees.items():
        module, names = module_of(path), all_names[path]
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.returns is None:
                continue
            for part in ast.walk(node.returns):
                owned = names.owned_name(part) if isinstance(part, ast.expr) else None
                if isinstance(part, ast.Name) and (module, part.id) in ownership.classes:
                    owned = owned or (module, part.id)
                if owned in ownership.classes:
                    ownership.returns[module, node.name] = ".".join(owned)
                    break
