"""Whether two statements are the same one (1.0.3: 2.3.1; 2.0: 4.2).

Not compared, because a store sets or returns them as it likes: id, stored, authority, version, attachments, the
definitions of activities and the display of verbs; in 2.0 timestamps too.

Compared by meaning: the members of groups, in any order; single context activities, as arrays of one; durations, to the
hundredth of a second; UUIDs, hashes, language tags and the domains of e-mail addresses, in any case, and in 2.0 all
texts. In 1.0.3 timestamps are compared as points in time, but one that a side lacks, or has from its store, says
nothing.

Everything else must be equal, extensions included, where numbers are equal by value and keys stand in any order. 2.0
demands this of actor, verb, object and duration and leaves result and context open; they are compared, because a
corrected score makes another statement.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from academe.lrs.xapi.faults import pointer_to
from academe.lrs.xapi.grammar import parsed_timestamp
from academe.lrs.xapi.versions import Version

_NOT_COMPARED: Final = {
    Version.ONE: frozenset({"id", "stored", "authority", "version", "attachments"}),
    Version.TWO: frozenset({"id", "stored", "authority", "version", "attachments", "timestamp"}),
}
_FINER_THAN_HUNDREDTHS: Final = re.compile(r"[.,]([0-9]{2})[0-9]+(?=S\Z)")


def difference(first: Mapping[str, Any], second: Mapping[str, Any], version: Version) -> str | None:
    """The pointer of the first place where two checked statements differ; None when they are the same."""
    a, b = _meaning(first, version), _meaning(second, version)
    if _is_set_by_store(first) or _is_set_by_store(second):
        a.pop("timestamp", None)
        b.pop("timestamp", None)
    place = _first_difference(a, b, any_case=version is Version.TWO)
    return None if place is None else pointer_to(*place)


def same(first: Mapping[str, Any], second: Mapping[str, Any], version: Version) -> bool:
    """Whether two checked statements are the same one."""
    return difference(first, second, version) is None


def _is_set_by_store(statement: Mapping[str, Any]) -> bool:
    timestamp = statement.get("timestamp")
    return timestamp is None or timestamp == statement.get("stored")


def _meaning(statement: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """A copy in which all that may differ is gone or written in one way."""
    meaning = {key: value for key, value in statement.items() if key not in _NOT_COMPARED[version]}
    meaning["actor"] = _actor(meaning["actor"])
    meaning["verb"] = {"id": meaning["verb"]["id"]}
    meaning["object"] = _object(meaning["object"], version)
    if "context" in meaning:
        meaning["context"] = _context(meaning["context"])
    if "timestamp" in meaning:
        # The form of 1.0.3 is the wider one; a statement kept under it may be compared with one of 2.0.
        meaning["timestamp"] = str(parsed_timestamp(meaning["timestamp"], Version.ONE))
    if "duration" in meaning.get("result", {}):
        meaning["result"] = {**meaning["result"], "duration": _to_hundredths(meaning["result"]["duration"])}
    return meaning


def _actor(actor: Mapping[str, Any]) -> dict[str, Any]:
    meaning = dict(actor)
    if "mbox" in meaning:
        local, _, domain = meaning["mbox"].rpartition("@")
        meaning["mbox"] = f"{local}@{domain.lower()}"
    if "mbox_sha1sum" in meaning:
        meaning["mbox_sha1sum"] = meaning["mbox_sha1sum"].lower()
    if "member" in meaning:
        members = [_actor(member) for member in meaning["member"]]
        meaning["member"] = sorted(members, key=lambda member: json.dumps(member, sort_keys=True).casefold())
    return meaning


def _object(value: Mapping[str, Any], version: Version) -> dict[str, Any]:
    match value.get("objectType", "Activity"):
        case "Activity":
            return _activity(value)
        case "StatementRef":
            return _reference(value)
        case "SubStatement":
            return _meaning(value, version)
        case _:
            return _actor(value)


def _activity(activity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in activity.items() if key != "definition"}


def _reference(reference: Mapping[str, Any]) -> dict[str, Any]:
    return {**reference, "id": reference["id"].lower()}


def _context(context: Mapping[str, Any]) -> dict[str, Any]:
    meaning = dict(context)
    for key, value in context.items():
        match key:
            case "registration" | "language":
                meaning[key] = value.lower()
            case "instructor" | "team":
                meaning[key] = _actor(value)
            case "statement":
                meaning[key] = _reference(value)
            case "contextActivities":
                meaning[key] = {
                    kind: [_activity(each) for each in ([activities] if isinstance(activities, dict) else activities)]
                    for kind, activities in value.items()
                }
            case "contextAgents":
                meaning[key] = [{**item, "agent": _actor(item["agent"])} for item in value]
            case "contextGroups":
                meaning[key] = [{**item, "group": _actor(item["group"])} for item in value]
            case _:
                pass
    return meaning


def _to_hundredths(duration: str) -> str:
    """The duration without what is finer than a hundredth of a second."""
    return _FINER_THAN_HUNDREDTHS.sub(_shortened, duration)


def _shortened(fraction: re.Match[str]) -> str:
    digits = fraction[1].rstrip("0")
    return f".{digits}" if digits else ""


def _first_difference(a: object, b: object, *, any_case: bool) -> list[str | int] | None:
    """Where two JSON values differ first, from the outside in; `true` is not 1, but 1 is 1.0."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in [*a, *(key for key in b if key not in a)]:
            if key not in a or key not in b:
                return [key]
            if (rest := _first_difference(a[key], b[key], any_case=any_case)) is not None:
                return [key, *rest]
        return None
    if isinstance(a, list) and isinstance(b, list):
        for position, (one, other) in enumerate(zip(a, b, strict=False)):
            if (rest := _first_difference(one, other, any_case=any_case)) is not None:
                return [position, *rest]
        return None if len(a) == len(b) else [min(len(a), len(b))]
    if any_case and isinstance(a, str) and isinstance(b, str):
        return None if a.casefold() == b.casefold() else []
    equal = a == b and isinstance(a, bool) == isinstance(b, bool)
    return None if equal else []
