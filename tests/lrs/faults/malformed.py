"""Requests that are nearly right: grown from valid ones by a seed, then broken in the JSON, the bytes or the HTTP."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from academe.lrs.xapi.versions import Version
from tests.lrs.faults.requests import TEXTS, TYPES, VALUES, Malformed
from tests.lrs.faults.shelf import Shelf
from tests.lrs.xapi.samples import AGENT, ANONYMOUS, full, simple, within_sub_statement

_NAMES: Final = (
    "objectType",
    "id",
    "mbox",
    "member",
    "account",
    "name",
    "definition",
    "extensions",
    "context",
    "a/b~c",
)
# Lists are made of these: a body of 30 MiB is refused too, and what it leaves with the allocator hides what is kept.
_SHORT: Final = tuple(text for text in TEXTS if len(text) < 100)
_NUMBERS: Final = (0, -0.0, -1, 2**31, 2**63, 2**64, 10**30, 10**400, 1e-400, 1.5, 1e308, True, None)
_RAW: Final = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "1" + "0" * 5_000,
    '"\\ud800"',
    '"\\u0000"',
    "'x'",
    "",
)
_RESOURCES: Final = (
    *("statements",) * 6,
    *("activities/state", "activities/profile", "agents/profile", "agents", "activities", "about"),
    *("", "nothing", "statements/more", "%00", "oauth/token", "caliper"),
)
_PARAMETERS: Final = (
    *("statementId", "voidedStatementId", "agent", "verb", "activity", "registration", "related_agents"),
    *("related_activities", "since", "until", "limit", "format", "attachments", "ascending", "cursor", "more"),
    *("activityId", "stateId", "profileId", "method", "nonsense"),
)
_METHODS: Final = (*("POST",) * 6, "PUT", "PUT", "GET", "GET", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "XYZZY")
_VERSIONS: Final = (*("2.0.0", "1.0.3") * 5, "1.0", "1.0.0", "0.95", "2.1.0", "", "x", "9" * 300, None)


class Grammar:
    """Makes requests; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.shelf = Shelf(seed)
        self._bases: list[dict[str, Any]] = [
            full(Version.ONE),
            full(Version.TWO),
            within_sub_statement(full(Version.TWO)),
            simple(),
            simple() | {"object": ANONYMOUS},
            simple() | {"object": {"objectType": "StatementRef", "id": self._uuid()}},
        ]
        self._makers: list[Callable[[], Malformed]] = [
            *(self._statements,) * 6,
            *(self._multipart,) * 2,
            self._form,
            self._document,
            *(self.shelf.request,) * 4,
            *(self._question,) * 3,
            self._anything,
        ]

    def requests(self, count: int) -> Iterator[Malformed]:
        """As many requests as asked for."""
        for _ in range(count):
            yield self._random.choice(self._makers)()

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _statements(self) -> Malformed:
        body = self._body()
        if self._random.random() < 0.25:
            named = self._uuid() if self._random.random() < 0.8 else self._random.choice(TEXTS[:6])
            target = f"statements?statementId={quote(named, errors='replace')}"
            return Malformed("PUT", target, self._headers(json_=0.95), body, named=named)
        return Malformed("POST", "statements", self._headers(json_=0.95), body)

    def _body(self) -> bytes:
        """One statement or several, with as many faults as it happens."""
        random_ = self._random
        count = random_.choice((1, 1, 1, 1, 2, 3, 0))
        many = [self._mutated() for _ in range(count)]
        value: Any = many[0] if count == 1 and random_.random() < 0.8 else many
        text = json.dumps(value, ensure_ascii=random_.random() < 0.5)
        if random_.random() < 0.15:
            text = self._with_raw(text)
        return self._bytes(text.encode("utf-8", "surrogatepass"))

    def _mutated(self) -> Any:
        random_ = self._random
        statement = copy.deepcopy(random_.choice(self._bases))
        statement["id"] = self._uuid()
        for _ in range(random_.choice((0, 1, 1, 1, 2, 3))):
            places = list(_places(statement))
            if not places:
                return statement
            *path, last = random_.choice(places)
            parent: Any = statement
            for key in path:
                parent = parent[key]
            match random_.randrange(4):
                case 0:
                    del parent[last]
                case 1 if isinstance(parent, dict):
                    parent[random_.choice((*_NAMES, *TEXTS[:6]))] = self._value()
                case _:
                    parent[last] = self._value()
        return statement

    def _value(self) -> Any:
        random_ = self._random
        match random_.randrange(6):
            case 0 | 1:
                return random_.choice(TEXTS)
            case 2:
                return random_.choice(_NUMBERS)
            case 3:
                return copy.deepcopy(random_.choice((AGENT, ANONYMOUS, simple(), [], {}, full(Version.TWO)["context"])))
            case 4:
                return [random_.choice(_SHORT)] * random_.choice((1, 2, 500))
        value: Any = random_.choice(_NUMBERS)
        for _ in range(random_.choice((3, 99, 101, 400))):
            value = [value] if random_.random() < 0.5 else {"urn:x:y": value}
        return value

    def _with_raw(self, text: str) -> str:
        """JSON with a token in it that JSON does not know, or not so, or twice."""
        at = self._random.randrange(len(text) + 1)
        colon = text.find(":", at)
        end = text.find(",", colon)
        if colon < 0 or end < 0:
            return text + self._random.choice(_RAW)
        if self._random.random() < 0.3:
            return text[:1] + '"actor": {}, ' + text[1:]
        return text[: colon + 1] + self._random.choice(_RAW) + text[end:]

    def _bytes(self, body: bytes) -> bytes:
        """Bytes cut off, changed, repeated or put between, once in a while."""
        random_ = self._random
        at = random_.randrange(len(body) + 1)
        match random_.randrange(16):
            case 0:
                return body[:at]
            case 1:
                return body[:at] + bytes([random_.randrange(256)]) + body[at + 1 :]
            case 2:
                return body[:at] + random_.randbytes(random_.choice((1, 3, 40))) + body[at:]
            case 3:
                return random_.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"[" * 5_000, b'{"a":' * 5_000)) + body
        return body

    def _multipart(self) -> Malformed:
        random_ = self._random
        statement = full(Version.TWO) | {"id": self._uuid()}
        sha2 = statement["attachments"][0]["sha2"]
        if random_.random() < 0.6:
            del statement["attachments"][0]["fileUrl"]
        data = b"here is a simple attachment" if random_.random() < 0.6 else random_.randbytes(30)
        boundary = random_.choice(("b", "-------314159265358979323846", "b" * 71, "b b", "é"))
        encoding = random_.choice(("binary", "binary", "base64", "", "x" * 1000))
        parts = [
            b"Content-Type: application/json\r\n\r\n" + json.dumps(statement).encode(),
            f"Content-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n"
            f"X-Experience-API-Hash: {random_.choice((sha2, sha2.upper(), 'x', ''))}\r\n\r\n".encode()
            + data,
        ]
        random_.shuffle(parts) if random_.random() < 0.2 else None
        line = b"--" + boundary.encode()
        body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts * random_.choice((1, 1, 2))) + line + b"--"
        headers = self._headers()
        headers["Content-Type"] = f'multipart/mixed; boundary="{boundary}"'
        return Malformed("POST", "statements", headers, self._bytes(body))

    def _form(self) -> Malformed:
        """The alternate request syntax of 1.0.x."""
        random_ = self._random
        fields = [
            ("content", quote(self._body(), safe="")),
            ("Content-Type", quote(random_.choice(TYPES))),
            ("X-Experience-API-Version", quote(random_.choice(("1.0.3", "1.0.3", "2.0.0", "x")))),
            ("Authorization", random_.choice(("", "Basic", "Basic%20eA", "%ff"))),
            ("statementId", self._uuid()),
            *((random_.choice(_PARAMETERS), random_.choice(VALUES)) for _ in range(random_.randrange(3))),
        ]
        chosen = [one for one in fields if random_.random() < 0.6]
        body = "&".join(f"{name}={value}" for name, value in chosen).encode()
        headers = self._headers()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        method = random_.choice(("PUT", "GET", "POST", "DELETE", "HEAD", "XYZZY", ""))
        return Malformed("POST", f"{random_.choice(_RESOURCES)}?method={method}", headers, self._bytes(body))

    def _document(self) -> Malformed:
        random_ = self._random
        resource = random_.choice(("activities/state", "activities/profile", "agents/profile"))
        headers = self._headers()
        headers[random_.choice(("If-Match", "If-None-Match"))] = random_.choice(("*", '"x"', "x", "", "," * 500, "W/"))
        method = random_.choice(("PUT", "POST", "DELETE", "GET"))
        return Malformed(method, f"{resource}?{self._query()}", headers, self._bytes(self._body()))

    def _question(self) -> Malformed:
        method = self._random.choice(("GET", "GET", "GET", "HEAD", "DELETE"))
        return Malformed(method, f"{self._random.choice(_RESOURCES)}?{self._query()}", self._headers(), b"")

    def _anything(self) -> Malformed:
        random_ = self._random
        headers = self._headers()
        headers[random_.choice(("Accept-Language", "Accept", "Cookie", "Expect-Nothing", "X-Forwarded-For"))] = (
            "\xff" * 9
        )
        target = f"{random_.choice(_RESOURCES)}?{self._query()}"
        return Malformed(random_.choice(_METHODS), target, headers, self._bytes(self._body()))

    def _query(self) -> str:
        random_ = self._random
        names = [random_.choice(_PARAMETERS) for _ in range(random_.randrange(5))]
        if random_.random() < 0.5:
            names += ["activityId", "agent", random_.choice(("stateId", "profileId"))]
        return "&".join(f"{name}={random_.choice(VALUES)}" for name in names)

    def _headers(self, *, json_: float = 0.6) -> dict[str, str]:
        random_ = self._random
        headers = {"Content-Type": "application/json" if random_.random() < json_ else random_.choice(TYPES)}
        version = random_.choice(_VERSIONS)
        if version is not None:
            headers["X-Experience-API-Version"] = version
        if random_.random() < 0.05:
            headers["Authorization"] = random_.choice(("", "Basic", "Basic x", "Basic \xff", "Bearer " + "x" * 3000))
        return headers


def _places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, *path, key)
