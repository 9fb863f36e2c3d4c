"""The import contract lists every module and every part of one; import-linter itself checks the imports."""

import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/academe"
OPEN_FILES = ("api", "models", "types", "errors", "facts")
LAYERED_FILES = {"routes", "pages", "tasks", "cli", "schemas", "forms", "api", "service", "policy", "queries"}
COMPOSITION_ROOTS = [name for name in ("app", "worker", "cli") if (PACKAGE / f"{name}.py").exists()]

MODULES = sorted(
    folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists() and folder.name != "platform"
)


@pytest.fixture(scope="module")
def contract() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    return parser


def lines(contract: configparser.ConfigParser, section: str, option: str) -> list[str]:
    return contract[f"importlinter:contract:{section}"][option].split()


@pytest.mark.parametrize("module", MODULES)
class TestModule:
    def test_has_a_layer_without_parentheses(self, contract: configparser.ConfigParser, module: str) -> None:
        assert module in lines(contract, "layers", "layers")

    def test_has_a_door(self, contract: configparser.ConfigParser, module: str) -> None:
        door = f"door-{module}"
        assert lines(contract, door, "protected_modules") == [f"academe.{module}"]
        assert lines(contract, door, "allowed_importers") == [
            f"academe.{name}" for name in (module, *COMPOSITION_ROOTS)
        ]

    def test_opens_its_door_no_wider_than_the_others(self, contract: configparser.ConfigParser, module: str) -> None:
        opened = contract[f"importlinter:contract:door-{module}"]["ignore_imports"].strip().splitlines()
        allowed = {f"academe.** -> academe.{module}.{file}" for file in OPEN_FILES}
        assert set(opened) == allowed | {f"academe.** -> academe.{module}.**.models"}


def test_the_order_of_files_holds_in_every_part_of_a_module(contract: configparser.ConfigParser) -> None:
    assert lines(contract, "inside", "containers") == ["academe.*", "academe.*.*", "academe.*.*.*"]
    parts = {
        len(file.parent.relative_to(PACKAGE).parts) for file in PACKAGE.rglob("*.py") if file.stem in LAYERED_FILES
    }
    assert max(parts) <= 3, "a part of this depth needs a container of its own"


def test_every_module_of_the_contract_exists(contract: configparser.ConfigParser) -> None:
    listed = set(lines(contract, "layers", "layers")) - {"|", ":"}
    assert {name for name in listed if not name.startswith("(")} == {*MODULES, "platform", *COMPOSITION_ROOTS}
