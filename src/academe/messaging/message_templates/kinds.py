"""Kinds of messages that can be worded, with the variables that each declares; registered by the composition roots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

Value = str | int | date
"""What a variable holds: dates and numbers are written in the language of the reader, links lead into Academe."""


class VariableType(StrEnum):
    """What a variable is, which decides how it is written."""

    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    LINK = "link"
    PERSON_NAME = "person name"


@dataclass(frozen=True, slots=True)
class Variable:
    """One that a template may name; `example` stands for it in a preview."""

    name: str
    type: VariableType
    words: str
    example: Value


READER: Final = Variable("person_name", VariableType.PERSON_NAME, "Whoever reads the message", "Ada Lovelace")
"""In every kind; whose name it is, is known for each reader alone."""


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """A kind of message. Of `several`, whoever sends the message chooses one; of others there is one, used always."""

    name: str
    words: str
    variables: Sequence[Variable]
    several: bool = False

    @property
    def all_variables(self) -> Sequence[Variable]:
        """Those of the kind, and the reader's name."""
        return (READER, *self.variables)

    @property
    def examples(self) -> Mapping[str, Value]:
        """What a preview shows, the reader aside."""
        return {each.name: each.example for each in self.variables}


ANNOUNCEMENT: Final = TemplateKind(
    "announcement",
    "Announcement: the frame around what an author writes",
    (
        Variable("title", VariableType.TEXT, "The title that the author wrote", "No lecture on Monday"),
        Variable("message", VariableType.TEXT, "What the author wrote", "The hall is being painted."),
        Variable("author_name", VariableType.PERSON_NAME, "Who announces it", "Grace Hopper"),
        Variable("audience", VariableType.TEXT, "Whom it is for", "MATH101 2026A"),
        Variable("receivers", VariableType.NUMBER, "How many people are told", 1200),
        Variable("sent_on", VariableType.DATE, "The day on which it is sent", date(2026, 11, 30)),
    ),
    several=True,
)

_kinds: Final[dict[str, TemplateKind]] = {ANNOUNCEMENT.name: ANNOUNCEMENT}


def register_template_kind(kind: TemplateKind) -> None:
    """Make a kind known; for composition roots."""
    _kinds[kind.name] = kind


def template_kinds() -> Sequence[TemplateKind]:
    """Every kind, by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def kind_called(name: str) -> TemplateKind | None:
    """The kind of this name."""
    return _kinds.get(name)
