"""The macros of templates/platform/components as one object, `ui`, that every template sees.

A global instead of imports, because a block that is rendered alone for htmx runs without the top of its template.
"""

from collections.abc import Callable, Mapping
from typing import Final

from jinja2 import Environment, nodes
from markupsafe import Markup

COMPONENT_FOLDER: Final = "platform/components/"

Macro = Callable[..., Markup]


class Components:
    """`ui.data_table(...)` finds the macro `data_table` in whichever component file has it."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._files: dict[str, str] = {}

    def files(self) -> Mapping[str, str]:
        """Every public macro with the template it is in; two macros of one name are an error."""
        if not self._files:
            found: dict[str, str] = {}
            for template in self._environment.list_templates(filter_func=_is_component):
                for name in _macros(self._environment, template):
                    if name in found:
                        raise ValueError(f"{template} and {found[name]} both have a macro {name!r}")
                    found[name] = template
            self._files = found
        return self._files

    def __getattr__(self, name: str) -> Macro:
        file = self.files().get(name)
        if file is None:
            # Templates turn this into an UndefinedError, which says the same.
            raise AttributeError(f"there is no component {name!r} in {COMPONENT_FOLDER}")
        macro: Macro = getattr(self._environment.get_template(file).module, name)
        if not self._environment.auto_reload:
            self.__dict__[name] = macro
        return macro


def _is_component(template: str) -> bool:
    return template.startswith(COMPONENT_FOLDER) and template.endswith(".html")


def _macros(environment: Environment, template: str) -> list[str]:
    """The public macros written in a file; those with a leading underscore are its own."""
    if environment.loader is None:
        raise ValueError("the environment has no loader")
    source, _, _ = environment.loader.get_source(environment, template)
    names = [macro.name for macro in environment.parse(source).find_all(nodes.Macro)]
    return [name for name in names if not name.startswith("_")]
