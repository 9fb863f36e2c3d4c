"""Requests for states and profiles, half of them broken, and what the store has to hold after those it took."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final
from urllib.parse import quote

from tests.lrs.faults.requests import TEXTS, TYPES, VALUES, Malformed

_AGENTS: Final = tuple(json.dumps({"mbox": f"mailto:shelf-{number}@example.edu"}) for number in range(3))
_REGISTRATIONS: Final = (None, "11111111-2222-4333-8444-555555555555")
_NAMES: Final = ("bookmark", "a b/c", "日記")
_BROKEN: Final = "https://campus.example.edu/shelf/broken"
_JSON: Final = "application/json"

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A resource and the parameters that name one of its documents."""


@dataclass(frozen=True)
class Change:
    """What a request does to the documents if the store takes it; without an id in the key, to all of the context."""

    verb: str
    key: Key
    body: bytes


@dataclass(frozen=True)
class ForDocument(Malformed):
    """A request for a document; `change` is None when it reads, or is broken so that it names none."""

    change: Change | None = None


class Shelf:
    """The documents that the store should have; makes requests about them, and learns which were taken."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._documents: dict[Key, bytes] = {}
        self._keys = [*_state_keys(), *_profile_keys()]

    def request(self) -> ForDocument:
        """A request for one document or, to delete them, for all states of a registration."""
        random_ = self._random
        resource, parameters = key = random_.choice(self._keys)
        verb = random_.choice(("PUT", "PUT", "POST", "POST", "POST", "DELETE", "DELETE", "GET", "HEAD"))
        body = self._body() if verb in ("PUT", "POST") else b""
        headers = {"Content-Type": _JSON if random_.random() < 0.8 else random_.choice(TYPES)}
        headers |= self._precondition(key)
        named = dict(parameters)
        if verb == "DELETE" and "registration" in named and random_.random() < 0.3:
            del named["stateId"]
        change = None if verb in ("GET", "HEAD") else Change(verb, (resource, tuple(named.items())), body)
        if random_.random() < 0.3:
            named, change = self._broken(named), None
        if random_.random() < 0.4:
            return self._alternate(verb, resource, named, headers, body, change)
        headers["X-Experience-API-Version"] = random_.choice(("2.0.0", "2.0.0", "1.0.3", "0.95"))
        return ForDocument(verb, f"{resource}?{_query(named)}", headers, body, change=change)

    def learn(self, change: Change) -> None:
        """Note what a request has done that was answered with 204."""
        resource, parameters = change.key
        if change.verb == "PUT":
            self._documents[change.key] = change.body
        elif change.verb == "POST":
            stored = self._documents.get(change.key)
            merged = change.body if stored is None else json.dumps(_value(stored) | _value(change.body)).encode()
            self._documents[change.key] = merged
        else:
            gone = [key for key in self._documents if key[0] == resource and set(parameters) <= set(key[1])]
            for key in gone:
                del self._documents[key]

    def differences(self, ask: Callable[[str], tuple[int, bytes]]) -> list[str]:
        """What differs between the store and this shelf; `ask` gets a target and returns status and body."""
        found = []
        for key in self._keys:
            status, body = ask(f"{key[0]}?{_query(dict(key[1]))}")
            wanted = self._documents.get(key)
            there = status == 200 if wanted is not None else status == 404
            if not there or (wanted is not None and body != wanted and _value(body) != _value(wanted)):
                found.append(f"{key}: {status} {body[:200]!r} instead of {wanted and wanted[:200]!r}")
        return found

    def __len__(self) -> int:
        return len(self._documents)

    def _body(self) -> bytes:
        random_ = self._random
        properties = {random_.choice(("a", "b", "é", "a/b~c")): random_.choice((1, [2], {"x": None}, "ü", 10**30))}
        whole = json.dumps(properties, ensure_ascii=random_.random() < 0.5).encode()
        return random_.choice(
            (
                *(whole,) * 12,
                b'{"a": NaN}',
                b'{"a": "\\ud800", "a": 1e999}',
                b"[1]",
                b"",
                b"{" * 5_000,
                whole[:-1],
                whole + b"\x00",
                b"\xff\xfe" + whole,
                random_.choice(TEXTS).encode("utf-8", "surrogatepass"),
            )
        )

    def _precondition(self, key: Key) -> dict[str, str]:
        """None, the right one, or a wrong one; profiles are only replaced with the right one."""
        random_ = self._random
        stored = self._documents.get(key)
        right = f'"{hashlib.sha1(stored).hexdigest()}"' if stored is not None else '"x"'  # noqa: S324 - the standard's
        return random_.choice(
            (
                {},
                {},
                {"If-Match": right},
                {"If-Match": "*"},
                {"If-None-Match": "*"},
                {"If-None-Match": right},
                {"If-Match": random_.choice(("", "x", "W/", "," * 500))},
                {"If-Match": "*", "If-None-Match": "*"},
            )
        )

    def _broken(self, named: Mapping[str, str]) -> dict[str, str]:
        """Parameters of another activity or agent, with one that is missing, wrong or not known."""
        random_ = self._random
        changed = {**named, "activityId": _BROKEN} if "activityId" in named else {**named, "profileId": "broken"}
        fault = random_.choice(tuple(changed))
        match random_.randrange(3):
            case 0 if fault != "activityId" and "activityId" in changed:
                del changed[fault]
            case 1:
                changed["nonsense"] = "1"
            case _ if fault not in ("activityId", "profileId"):
                changed[fault] = random_.choice(("", "{", "\x00", "null", "x" * 20_000))
        return changed

    def _alternate(
        self,
        verb: str,
        resource: str,
        named: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        change: Change | None,
    ) -> ForDocument:
        """The same in the alternate syntax of 1.0.x: a form whose fields are parameters, headers and content."""
        random_ = self._random
        fields = {**named, **headers, "X-Experience-API-Version": random_.choice(("1.0.3", "1.0.3", "1.0.3", "2.0.0"))}
        form = _query(fields)
        if body:
            form += f"&content={quote(body, safe='')}"
        if random_.random() < 0.1:
            form, change = form + f"&{random_.choice(tuple(fields))}={random_.choice(VALUES)}", None
        outer = {"Content-Type": "application/x-www-form-urlencoded"}
        # A body that is no text has no form; which document it then makes is the store's to say.
        if not _is_text(body):
            change = None
        return ForDocument("POST", f"{resource}?method={verb}", outer, form.encode(), change=change)


def _is_text(body: bytes) -> bool:
    try:
        return "\x00" not in body.decode()
    except UnicodeDecodeError:
        return False


def _state_keys() -> list[Key]:
    # A registration has activities of its own: without it, a request may mean the states of all registrations.
    return [
        (
            "activities/state",
            (
                ("activityId", f"https://campus.example.edu/shelf/{'in' if registration else 'out'}"),
                ("agent", agent),
                *((("registration", registration),) if registration else ()),
                ("stateId", name),
            ),
        )
        for agent, registration, name in product(_AGENTS, _REGISTRATIONS, _NAMES)
    ]


def _profile_keys() -> list[Key]:
    activities = [
        ("activities/profile", (("activityId", f"https://campus.example.edu/shelf/{number}"), ("profileId", name)))
        for number, name in product(range(3), _NAMES)
    ]
    agents = [("agents/profile", (("agent", agent), ("profileId", name))) for agent, name in product(_AGENTS, _NAMES)]
    return [*activities, *agents]


def _query(named: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in named.items())


def _value(body: bytes) -> Any:
    """JSON whose numbers are texts, so that none is too large; what is no JSON, as it is."""
    try:
        return json.loads(body, parse_int=str, parse_float=str)
    except ValueError:
        return body
