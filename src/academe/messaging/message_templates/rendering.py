"""Checks and renders templates: text, declared variables and conditions on them, in the sandbox of Jinja.

What a template may hold is decided by its syntax tree, so that nothing can be called, looked into or looped over; the
sandbox stands behind that. HTML is escaped where variables enter it, and what comes out is reduced to what a letter
needs (nh3): whoever words messages is no reason to trust what mail programs would run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import nh3
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from academe.messaging.message_templates.kinds import READER, TemplateKind, Value, Variable, VariableType
from academe.platform.errors import FieldError

LONGEST_SUBJECT: Final = 200
LONGEST_TEXT: Final = 4_000
LONGEST_HTML: Final = 20_000
_LONGEST: Final = {"subject": LONGEST_SUBJECT, "text": LONGEST_TEXT, "html": LONGEST_HTML}

_ALLOWED: Final = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If, nodes.Not)
_TAGS: Final = frozenset(
    ("p", "br", "a", "b", "strong", "i", "em", "ul", "ol", "li", "h2", "h3", "blockquote", "hr", "span", "div")
)
_LINKS: Final = {"http", "https", "mailto"}

_PLAIN: Final = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
_HTML: Final = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language: `subject` in one line, `text`, and `html` or nothing."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it is read; `html` is safe to show."""

    subject: str
    text: str
    html: str


def checked(kind: TemplateKind, wording: Wording) -> Sequence[FieldError]:
    """What is wrong with a wording, each fault with its field, line and variable; nothing when it may be kept."""
    faults: list[FieldError] = []
    for field in ("subject", "text", "html"):
        source: str = getattr(wording, field)
        if len(source) > _LONGEST[field] or (field != "html" and not source.strip()):
            faults.append(FieldError(field, f"Please write 1 to {_LONGEST[field]:,} characters."))
        elif field == "subject" and "\n" in source.strip():
            faults.append(FieldError(field, "Please write one line."))
        else:
            faults += _faults_of(kind, field, source)
    return faults


def names_reader(wording: Wording) -> bool:
    """Whether each reader gets words of their own."""
    sources = (wording.subject, wording.text, wording.html)
    return any(READER.name in {each.name for each in _PLAIN.parse(one).find_all(nodes.Name)} for one in sources)


def rendered(
    kind: TemplateKind, wording: Wording, values: Mapping[str, Value], *, reader: str, language: str
) -> Rendered:
    """A message for a reader. A link is written as its path, of which the carrier of letters makes an address.

    Variables of the kind without a value are empty, and conditions on them false. What is too long for a notification
    is cut.
    """
    written = {each.name: _written(each, values.get(each.name, ""), language) for each in kind.variables}
    written[READER.name] = reader
    subject = " ".join(_PLAIN.from_string(wording.subject).render(written).split())
    text = _PLAIN.from_string(wording.text).render(written).strip()
    html = _HTML.from_string(wording.html).render(written) if wording.html else ""
    return Rendered(_cut(subject, LONGEST_SUBJECT), _cut(text, LONGEST_TEXT), clean(html))


def clean(html: str) -> str:
    """HTML without all that a letter does not need: scripts, styles, images, forms and foreign addresses."""
    return nh3.clean(html, tags=set(_TAGS), attributes={"a": {"href"}}, url_schemes=_LINKS) if html else ""


def known_language(tag: str) -> bool:
    """Whether dates and numbers can be written in a language (BCP 47), such as `de` or `de-AT`."""
    try:
        Locale.parse(tag, sep="-")
    except (ValueError, UnknownLocaleError):
        return False
    return True


def _faults_of(kind: TemplateKind, field: str, source: str) -> Sequence[FieldError]:
    try:
        tree = _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        return [FieldError(field, f"Line {error.lineno}: {error.message}", error.lineno)]
    known = [each.name for each in kind.all_variables]
    faults = []
    for node in _walk(tree):
        if not isinstance(node, _ALLOWED):
            words = "A template holds variables in {{ }} and conditions on them ({% if … %}), nothing else."
            faults.append(FieldError(field, f"Line {node.lineno}: {words}", node.lineno))
        elif isinstance(node, nodes.Name) and node.name not in known:
            words = f"There is no variable {node.name}; there are {', '.join(known)}."
            faults.append(FieldError(field, f"Line {node.lineno}: {words}", node.lineno))
    return faults


def _walk(node: nodes.Node) -> Sequence[nodes.Node]:
    """A node and all below it; below one that is not allowed, nothing more is said."""
    found = [node]
    if isinstance(node, _ALLOWED):
        for child in node.iter_child_nodes():
            found += _walk(child)
    return found


def _written(variable: Variable, value: Value, language: str) -> str:
    write = _WRITERS.get(variable.type)
    return str(value) if write is None or value == "" else write(value, language)


def _date(value: Value, language: str) -> str:
    if not isinstance(value, date):
        raise TypeError("a date is needed")
    return format_date(value, "long", locale=_locale(language))


def _number(value: Value, language: str) -> str:
    if not isinstance(value, int):
        raise TypeError("a number is needed")
    return format_decimal(value, locale=_locale(language))


_WRITERS: Final[Mapping[VariableType, Callable[[Value, str], str]]] = {
    VariableType.DATE: _date,
    VariableType.NUMBER: _number,
}


def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-") if known_language(language) else Locale("en")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
