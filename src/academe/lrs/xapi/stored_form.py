"""What a store adds to a statement that it keeps."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from academe.lrs.xapi.grammar import parsed_timestamp, timestamp_text
from academe.lrs.xapi.versions import Version

_IS_IN_UTC: Final = re.compile(r"[0-9-]{10}T[0-9:]{8}(?:\.[0-9]+)?Z").fullmatch
_VERSIONS: Final = {Version.ONE: "1.0.0", Version.TWO: "2.0.0"}


def completed(
    statement: Mapping[str, Any], version: Version, *, identifier: str, stored: datetime, authority: Mapping[str, Any]
) -> dict[str, Any]:
    """The statement as it is kept and returned; what was given stays as it is, and shares its parts.

    Written are the id, the time of storing and the authority, whatever the sender said. Added are the version (`1.0.0`
    or `2.0.0`) and the timestamp (the time of storing), if they are missing. Changed in form only are timestamps, which
    become UTC, and single context activities, which become arrays of one.
    """
    complete = {**statement, "id": identifier, "authority": authority}
    stored_text = timestamp_text(stored)
    timestamp = statement.get("timestamp")
    complete["timestamp"] = stored_text if timestamp is None else _in_utc(timestamp, version)
    complete["stored"] = stored_text
    complete.setdefault("version", _VERSIONS[version])
    _with_arrays(complete)
    value = complete["object"]
    if value.get("objectType") == "SubStatement":
        complete["object"] = value = dict(value)
        if "timestamp" in value:
            value["timestamp"] = _in_utc(value["timestamp"], version)
        _with_arrays(value)
    return complete


def _in_utc(timestamp: str, version: Version) -> str:
    """The same time in UTC; a time that is in UTC already keeps all its digits."""
    if _IS_IN_UTC(timestamp):
        return timestamp
    time = parsed_timestamp(timestamp, version)
    return timestamp if time is None else timestamp_text(time)


def _with_arrays(statement: dict[str, Any]) -> None:
    """Put every single context activity of a statement into an array, without changing the parts it shares."""
    activities = statement.get("context", {}).get("contextActivities")
    if activities and any(type(value) is dict for value in activities.values()):
        in_arrays = {key: [value] if type(value) is dict else value for key, value in activities.items()}
        statement["context"] = {**statement["context"], "contextActivities": in_arrays}
