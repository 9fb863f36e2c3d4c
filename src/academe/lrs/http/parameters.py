"""The parameters that resources have in common, checked; every refusal names one as `?name`."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from academe.lrs.http.exchange import Call
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import is_iri, is_uuid, parsed_timestamp
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked_agent

# PostgreSQL's text has no NUL, and half a surrogate pair is no UTF-8.
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]").search


def required(call: Call, name: str) -> str:
    """The parameter as it came; XapiFault without it."""
    value = call.parameters.get(name)
    if value is None:
        raise XapiFault(f"?{name}", "This parameter is required here.")
    return value


def activity_of(call: Call) -> str:
    """`activityId`, an IRI."""
    value = required(call, "activityId")
    if not is_iri(value):
        raise XapiFault("?activityId", "This must be an IRI with a scheme, such as https://example.com/activity.")
    return value


def agent_of(call: Call) -> dict[str, Any]:
    """`agent`, an Agent as JSON; a Group is none."""
    value = required(call, "agent")
    try:
        parsed = parsed_json(value.encode("utf-8", "surrogatepass"), what="The parameter")
    except XapiFault as fault:
        raise XapiFault(f"?agent{fault.pointer}", fault.sentence) from None
    return checked_agent(parsed, at="?agent")


def registration_of(call: Call) -> UUID | None:
    """`registration`, a UUID; None when it is not given."""
    return uuid_of(call, "registration")


def uuid_of(call: Call, name: str) -> UUID | None:
    """A parameter that is a UUID; None when it is not given."""
    value = call.parameters.get(name)
    if value is None:
        return None
    if not is_uuid(value):
        raise XapiFault(f"?{name}", "This must be a UUID such as 6d969975-8d7e-4506-ac19-877c57f2921a.")
    return UUID(value)


def iri_of(call: Call, name: str) -> str | None:
    """A parameter that is an IRI; None when it is not given."""
    value = call.parameters.get(name)
    if value is not None and not is_iri(value):
        raise XapiFault(f"?{name}", "This must be an IRI with a scheme, such as https://example.com/path.")
    return value


def flag_of(call: Call, name: str) -> bool:
    """A parameter that is `true` or `false`, in any case as clients in Python write it; false when it is not given."""
    value = call.parameters.get(name, "false").lower()
    if value not in ("true", "false"):
        raise XapiFault(f"?{name}", "This must be true or false.")
    return value == "true"


def since_of(call: Call) -> datetime | None:
    """`since`, a timestamp of the version of the request; None when it is not given."""
    return time_of(call, "since")


def time_of(call: Call, name: str) -> datetime | None:
    """A parameter that is a timestamp of the version of the request; None when it is not given."""
    value = call.parameters.get(name)
    if value is None:
        return None
    time = parsed_timestamp(value, call.version)
    if time is None:
        raise XapiFault(f"?{name}", "This must be a timestamp such as 2026-11-21T10:00:00.000Z.")
    return time


def document_id_of(call: Call, name: str) -> str | None:
    """The id of a document, any text that is not empty; None when it is not given.

    Empty it is refused: who means one document and has lost its id must not delete all of them.
    """
    value = call.parameters.get(name)
    if value is None:
        return None
    if not value:
        raise XapiFault(f"?{name}", "This must not be empty.")
    if _UNSTORABLE(value):
        raise XapiFault(f"?{name}", "This must not have a NUL character or half a surrogate pair.")
    return value
