"""What a store adds to a statement that it keeps."""

import re
from collections.abc import Mapping
from typing import Any, Final

from academe.lrs.xapi.grammar import parsed_timestamp, timestamp_text
from academe.lrs.xapi.versions import Version

_IS_IN_UTC: Final = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?Z").fullmatch
_VERSIONS: Final = {Version.ONE: "1.0.0", Version.TWO: "2.0.0"}


_SET_BY_STORE: Final = ("id", "stored", "authority")


def kept(statement: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The statement without `id`, `stored` and `authority`, which the store says; what was given stays as it is.

    Added is the version (`1.0.0` or `2.0.0`), if it is missing. Changed in form only are timestamps, which become UTC,
    and single context activities, which become arrays of one. A timestamp that is missing stays so: it is then the time
    of storing. Shares its parts with the statement.
    """
    form = {key: value for key, value in statement.items() if key not in _SET_BY_STORE}
    form.setdefault("version", _VERSIONS[version])
    _normalise(form, version)
    value = form["object"]
    if value.get("objectType") == "SubStatement":
        form["object"] = value = dict(value)
        _normalise(value, version)
    return form


def _normalise(form: dict[str, Any], version: Version) -> None:
    if (timestamp := form.get("timestamp")) is not None:
        form["timestamp"] = _in_utc(timestamp, version)
    if "context" in form:
        _with_arrays(form)


def _in_utc(timestamp: str, version: Version) -> str:
    """The same time in UTC; a time that is in UTC already keeps all its digits."""
    if _IS_IN_UTC(timestamp):
        return timestamp
    time = parsed_timestamp(timestamp, version)
    return timestamp if time is None else timestamp_text(time)


def _with_arrays(statement: dict[str, Any]) -> None:
    """Put every single context activity of a statement into an array, without changing the parts it shares."""
    activities = statement["context"].get("contextActivities")
    if activities and any(type(value) is dict for value in activities.values()):
        in_arrays = {key: [value] if type(value) is dict else value for key, value in activities.items()}
        statement["context"] = {**statement["context"], "contextActivities": in_arrays}
