"""What checks are put together from.

A check takes a value and returns, or raises a `Refusal`. Shapes know all properties of an object by name, which makes
the check of a valid object one walk over its keys.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from academe.lrs.xapi.faults import Refusal

Check: TypeAlias = Callable[[Any], None]

# At most 4 bytes a character: a memory takes up to 8 MB, whatever is sent.
_MOST_KNOWN: Final = 4096
_LONGEST_KNOWN: Final = 512


def refused(value: object, expected: str) -> Refusal:
    """The refusal of a value; null gets a word of its own, because it is forbidden everywhere outside extensions."""
    if value is None:
        return Refusal(f"This must not be null; leave the property out, or give {expected}.")
    return Refusal(f"This must be {expected}.")


def text_of(form: Callable[[str], bool], expected: str) -> Check:
    """A string of a form."""

    def check(value: object) -> None:
        if type(value) is not str or not form(value):
            raise refused(value, expected)

    return check


def known_text_of(form: Callable[[str], bool], expected: str) -> Check:
    """A string of a form that the same few hundred strings have in nearly all statements; they are remembered."""
    known: set[str] = set()

    def check(value: object) -> None:
        if type(value) is str and (value in known or _learned(known, form, value)):
            return
        raise refused(value, expected)

    return check


def _learned(known: set[str], form: Callable[[str], bool], text: str) -> bool:
    """Whether the text has the form; if so it is known from now on, until there are too many."""
    if not form(text):
        return False
    if len(text) <= _LONGEST_KNOWN:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known.add(text)
    return True


def literal(*allowed: str) -> Check:
    """One of a few strings, with exactly this case."""
    values = frozenset(allowed)
    expected = " or ".join(f'"{value}"' for value in allowed)

    def check(value: object) -> None:
        if type(value) is not str or value not in values:
            raise refused(value, expected)

    return check


def text(value: object) -> None:
    """Any string."""
    if type(value) is not str:
        raise refused(value, "a string")


def truth(value: object) -> None:
    """A boolean, not a string that says one."""
    if type(value) is not bool:
        raise refused(value, "true or false")


def number(value: object) -> None:
    """A finite number, not a string that contains one."""
    if type(value) is float:
        if value - value == 0.0:  # neither infinite nor not a number
            return
    elif type(value) is int:
        return
    raise refused(value, "a number")


def list_of(check_item: Check, expected: str, *, at_least: int = 0) -> Check:
    """An array whose items all pass."""

    def check(value: object) -> None:
        if type(value) is not list or len(value) < at_least:
            raise refused(value, expected)
        position = 0
        try:
            for item in value:
                check_item(item)
                position += 1
        except Refusal as refusal:
            refusal.tokens.append(position)
            raise

    return check


def map_of(is_key: Callable[[str], bool], key_expected: str, check_item: Check, expected: str) -> Check:
    """An object with keys of a form, which are remembered, and values that all pass."""
    known: set[str] = set()

    def check(value: object) -> None:
        if type(value) is not dict:
            raise refused(value, expected)
        key = ""
        try:
            for key, item in value.items():
                if key not in known and not _learned(known, is_key, key):
                    raise Refusal(f"The key must be {key_expected}.")
                check_item(item)
        except Refusal as refusal:
            refusal.tokens.append(key)
            raise

    return check


def shape(
    name: str, properties: Mapping[str, Check], *, required: tuple[str, ...] = (), rule: Check | None = None
) -> Check:
    """An object with some of these properties and no others; `rule` sees it when each of them has passed.

    `name` is the object's name with its article, for refusals.
    """
    check_of = dict(properties).get

    def check(value: object) -> None:
        if type(value) is not dict:
            raise refused(value, name)
        key = ""
        try:
            for key, item in value.items():
                check_property = check_of(key)
                if check_property is None:
                    raise Refusal(_unknown(name, key, properties))
                check_property(item)
        except Refusal as refusal:
            refusal.tokens.append(key)
            raise
        for key in required:
            if key not in value:
                raise Refusal(f"{_capital(name)} must have this property.", key)
        if rule is not None:
            rule(value)

    return check


def by_object_type(kinds: Mapping[str, Check], name: str, *, default: str | None = None) -> Check:
    """An object whose `objectType` says which check is meant; without one, the default's."""
    check_of = dict(kinds).get
    expected = " or ".join(f'"{kind}"' for kind in kinds)

    def check(value: object) -> None:
        if type(value) is not dict:
            raise refused(value, name)
        kind = value.get("objectType", default)
        check_kind = check_of(kind) if type(kind) is str else None
        if check_kind is None:
            if "objectType" not in value:
                raise Refusal(f"{_capital(name)} must have this property: {expected}.", "objectType")
            refusal = refused(kind, expected)
            refusal.tokens.append("objectType")
            raise refusal
        check_kind(value)

    return check


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _unknown(name: str, key: str, properties: Mapping[str, Check]) -> str:
    meant = next((known for known in properties if known.lower() == key.lower()), None)
    if meant is not None:
        return f'{_capital(name)} spells this property "{meant}".'
    return f"{_capital(name)} has no such property; only extensions may hold others."
