"""Whether an envelope is one: what Caliper 1.2 demands of envelopes, events and descriptions of entities.

Properties that Caliper does not define are left alone, as are those that are null: the original is kept with them.
Times may have an offset and any precision, where a sensor is to write UTC in milliseconds; the sensors that 1EdTech
published write the offset without its colon, which is taken too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from academe.lrs.caliper.errors import CaliperFault, CaliperVersionError
from academe.lrs.caliper.events import DEMANDED, OF_EVERY_EVENT, RULES, rule_of
from academe.lrs.caliper.vocabulary import (
    DURATIONS,
    ENTITIES,
    ENTITY_PROPERTIES,
    ITEMS,
    LISTS_OF_ENTITIES,
    LISTS_OF_TEXTS,
    NUMBERS,
    PROFILES,
    TEXTS,
    TIMES,
    TRUTHS,
    VERSIONS,
    WHOLE_NUMBERS,
    action_of,
    is_version,
    subtypes_of,
)
from academe.lrs.xapi.checks import list_of, number, refused, text, text_of, truth
from academe.lrs.xapi.faults import Refusal
from academe.lrs.xapi.grammar import is_duration, is_iri, parsed_timestamp
from academe.lrs.xapi.versions import Version

Check: TypeAlias = Callable[[Any, int], None]
"""Takes a value and how many entities stand around it."""

_OFFSET_WITHOUT_COLON: Final = re.compile(r"(?<=[0-9])([+-][0-9]{2})([0-9]{2})\Z", re.ASCII)
_REQUIRED_IN_ENVELOPES: Final = ("sensor", "sendTime", "dataVersion", "data")
_REQUIRED_IN_EVENTS: Final = ("id", "type", "actor", "action", "object", "eventTime")
_DEEPEST: Final = 30
_is_event_id: Final = re.compile(r"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch
_is_blank: Final = re.compile(r"_:[A-Za-z0-9][A-Za-z0-9._-]{0,200}").fullmatch


@dataclass(frozen=True, slots=True)
class Envelope:
    """A checked envelope; `data` are its events and entities in order."""

    sensor: str
    send_time: str
    data: Sequence[dict[str, Any]]


def checked_envelope(value: object) -> Envelope:
    """The envelope that a JSON value is.

    Raises CaliperFault at the first rule that it breaks, CaliperVersionError for another version of Caliper.
    """
    try:
        _envelope(value)
    except Refusal as refusal:
        raise CaliperFault(refusal.pointer(), refusal.message) from None
    assert isinstance(value, dict)
    return Envelope(value["sensor"], value["sendTime"], value["data"])


def is_event(item: Mapping[str, Any]) -> bool:
    """Whether a checked item of an envelope is an event and not the description of an entity."""
    return item["type"] in RULES


def is_blank_node(identifier: str) -> bool:
    """Whether an identifier means something inside its event only."""
    return identifier.startswith("_:")


def _envelope(value: object) -> None:
    if type(value) is not dict:
        raise refused(value, "an envelope with sensor, sendTime, dataVersion and data")
    _require(value, _REQUIRED_IN_ENVELOPES)
    for key in value:
        if key not in _REQUIRED_IN_ENVELOPES:
            raise Refusal("An envelope has no such property.", key)
    for key in ("sensor", "dataVersion"):
        _at(key, text, value[key])
    _at("sendTime", _time, value["sendTime"])
    if not is_version(value["dataVersion"]):
        raise CaliperVersionError(f"The dataVersion must be {VERSIONS[0]} or {VERSIONS[1]}.")
    _at("data", _items, value["data"])


def _item(value: object) -> None:
    if type(value) is not dict:
        raise refused(value, "an event or the description of an entity")
    _at("@context", _context, value.get("@context"))
    kind = value.get("type")
    if type(kind) is str and kind in RULES:
        _event(value)
    else:
        _entity(("Entity",), value, 0)


_items: Final = list_of(_item, "an array of at least one event or description of an entity", at_least=1)


def _context(value: object) -> None:
    named = value[-1] if type(value) is list and value else value
    if type(named) is not str or not is_version(named):
        raise refused(value, f"{VERSIONS[0]}, or an array with it at its end")


def _event(event: dict[str, Any]) -> None:
    _require(event, _REQUIRED_IN_EVENTS)
    _at("id", _event_id, event["id"])
    _at("action", _known_action, event["action"])
    action, kind = action_of(event["action"]), event["type"]
    assert action is not None
    rule = rule_of(kind, action)
    if action not in rule.actions:
        raise Refusal(f"The action of this event must be {' or '.join(sorted(rule.actions))}.", "action")
    _at("eventTime", _time, event["eventTime"])
    demanded = DEMANDED.get((kind, action))
    if demanded is not None:
        _require(event, (demanded,))
    for key in ("actor", "object", "target", "generated", "referrer"):
        if event.get(key) is not None:
            _at(key, partial(_entity, getattr(rule, key), around=1), event[key])
    for key, of_type in OF_EVERY_EVENT.items():
        if event.get(key) is not None:
            _at(key, partial(_entity, (of_type,), around=1), event[key])
    if event.get("profile") is not None:
        _at("profile", _profile, event["profile"])
    if event.get("extensions") is not None:
        _at("extensions", _map, event["extensions"])


def _entity(kinds: tuple[str, ...], value: object, around: int) -> None:
    """An entity of one of some types or more special: written out, or the IRI of one."""
    if type(value) is str:
        if around == 0 or not (is_iri(value) or _is_blank(value)):
            raise refused(value, f"the IRI of {_one_of(kinds)}, or an object")
        return
    if type(value) is not dict:
        raise refused(value, f"{_one_of(kinds)} as an object, or its IRI")
    if around > _DEEPEST:
        raise Refusal(f"Entities must not be nested deeper than {_DEEPEST} levels.")
    _require(value, ("id", "type"))
    _at("id", _identifier, value["id"])
    kind = value["type"]
    if type(kind) is not str or kind not in ENTITIES:
        raise Refusal("This must be a type of entity that Caliper defines.", "type")
    if not any(kind in subtypes_of(each) for each in kinds):
        raise Refusal(f"This must be {_one_of(kinds)} or a more special type.", "type")
    if value.get("items") is not None:
        _at("items", partial(_entities, ITEMS.get(kind, "Entity"), around=around + 1), value["items"])
    if kind == "AggregateMeasure":
        _require(value, ("metric", "metricValue"))
    _properties(value, around)


def _entities(kind: str, value: object, around: int) -> None:
    list_of(partial(_entity, (kind,), around=around), f"an array of {kind} entities")(value)


def _properties(value: dict[str, Any], around: int) -> None:
    for key, item in value.items():
        check = _PROPERTIES.get(key)
        if check is not None and item is not None:
            try:
                check(item, around + 1)
            except Refusal as refusal:
                refusal.tokens.append(key)
                raise


def _without_id(value: object, around: int) -> None:
    """What has properties like an entity but is none: a selector or an identifier of another system."""
    if type(value) is not dict:
        raise refused(value, "an object")
    _properties(value, around)


def _selector(value: object, around: int) -> None:
    _without_id(value, around)
    assert isinstance(value, dict)
    if value.get("type") != "TextPositionSelector":
        raise Refusal("This must be TextPositionSelector.", "type")


def _identifiers(value: object, around: int) -> None:
    def identifier(item: object) -> None:
        _without_id(item, around)
        assert isinstance(item, dict)
        _require(item, ("identifier", "identifierType"))
        if item.get("type") != "SystemIdentifier":
            raise Refusal("This must be SystemIdentifier.", "type")

    list_of(identifier, "an array of system identifiers")(value)


def _require(value: Mapping[str, Any], keys: Sequence[str]) -> None:
    for key in keys:
        if value.get(key) is None:
            raise Refusal("This property is required here.", key)


def _at(key: str, check: Callable[[Any], None], value: object) -> None:
    try:
        check(value)
    except Refusal as refusal:
        refusal.tokens.append(key)
        raise


def _one_of(kinds: tuple[str, ...]) -> str:
    return " or ".join(f"{'an' if kind[0] in 'AEIO' else 'a'} {kind}" for kind in kinds)


_event_id: Final = text_of(
    lambda value: _is_event_id(value) is not None,
    "a UUID as a URN, such as urn:uuid:6d969975-8d7e-4506-ac19-877c57f2921a",
)
_identifier: Final = text_of(
    lambda value: is_iri(value) or _is_blank(value) is not None, "an IRI, or a blank node identifier such as _:b0"
)
_known_action: Final = text_of(lambda value: action_of(value) is not None, "an action that Caliper defines")
_profile: Final = text_of(lambda value: value in PROFILES, "a profile that Caliper defines")
_time: Final = text_of(
    lambda value: parsed_timestamp(rfc_3339(value), Version.TWO) is not None, "a time such as 2026-11-21T10:00:00.000Z"
)
_duration: Final = text_of(is_duration, "an ISO 8601 duration such as PT1H30M")
_texts: Final = list_of(text, "an array of strings")


def rfc_3339(time: str) -> str:
    """A time with the colon that its offset may lack, and whatever else as it stands."""
    return _OFFSET_WITHOUT_COLON.sub(r"\1:\2", time)


def _whole_number(value: object) -> None:
    if type(value) is not int and not (type(value) is float and value.is_integer()):
        raise refused(value, "a whole number")


def _map(value: object) -> None:
    if type(value) is not dict and not (type(value) is str and is_iri(value)):
        raise refused(value, "an object, or the IRI of one")


def _anything(_value: object) -> None:
    """Passes everything."""


def _plain(check: Callable[[Any], None]) -> Check:
    return lambda value, _around: check(value)


def _entity_of(kind: str) -> Check:
    return lambda value, around: _entity((kind,), value, around)


def _entities_of(kind: str) -> Check:
    return lambda value, around: _entities(kind, value, around)


_PROPERTIES: Final[Mapping[str, Check]] = {
    **{key: _entity_of(kind) for key, kind in ENTITY_PROPERTIES.items()},
    **{key: _entities_of(kind) for key, kind in LISTS_OF_ENTITIES.items()},
    **dict.fromkeys(LISTS_OF_TEXTS, _plain(_texts)),
    **dict.fromkeys(TEXTS, _plain(text)),
    **dict.fromkeys(TIMES, _plain(_time)),
    **dict.fromkeys(DURATIONS, _plain(_duration)),
    **dict.fromkeys(WHOLE_NUMBERS, _plain(_whole_number)),
    **dict.fromkeys(NUMBERS, _plain(number)),
    **dict.fromkeys(TRUTHS, _plain(truth)),
    "categories": _plain(list_of(_anything, "an array")),
    "selection": _selector,
    "otherIdentifiers": _identifiers,
    "messageParameters": _plain(_map),
    "extensions": _plain(_map),
}
