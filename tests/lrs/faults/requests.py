"""What every grammar of broken requests is made of."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from tests.lrs.xapi.samples import AGENT, ANONYMOUS

TEXTS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\U0001f600",
    "é" * 300,
    "x" * 70_000,
    "urn:",
    "mailto:",
    "mailto:a@b",
    "%00",
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999999-14:00",
    "P9999999999999Y",
    "PT1E400S",
    "PT" + "9" * 400 + "S",
    "00000000-0000-0000-0000-000000000000",
    "http://adlnet.gov/expapi/verbs/voided",
    "Agent",
    "Group",
    "Activity",
    "StatementRef",
    "SubStatement",
)
VALUES: Final = (
    *("true", "false", "1", "0", "-1", "99999999999999999999", "exact", "ids", "canonical", "null", "[]", "{}"),
    *("2026-11-21T10:00:00Z", "0000-00-00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00%2B14:00"),
    *("00000000-0000-0000-0000-000000000000", "https://campus.example.edu/quiz/4", "%00", "%ff%fe", "%", "%u0041"),
    quote(json.dumps(AGENT)),
    quote(json.dumps(ANONYMOUS)),
    quote('{"mbox":"mailto:a\\u0000@b"}'),
    quote('{"mbox":"mailto:\\ud800@b"}'),
    "[" * 3_000,
    "x" * 20_000,
)
TYPES: Final = (
    *("application/json",) * 8,
    *("application/json; charset=utf-16", "text/plain", "", ";;;", "multipart/mixed", "multipart/mixed; boundary="),
    *("application/x-www-form-urlencoded", "multipart/mixed; boundary=" + "b" * 200, "application/octet-stream"),
)


@dataclass(frozen=True)
class Malformed:
    """One request: `target` is the path with its query, without the prefix; `named` the statement that a PUT names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    named: str | None = None
