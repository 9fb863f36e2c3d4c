"""Statements to read: stored as the intake stores them, at times that a test chooses; and a reader of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from academe.lrs.http import statement_reading
from academe.lrs.http.exchange import Answer, Call
from academe.lrs.senders.types import Scope, Sender
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.statements.shared import Shared
from academe.lrs.statements.store import store
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database, Session
from academe.platform.ids import new_id

VERB: Final = "http://adlnet.gov/expapi/verbs/completed"
VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
QUIZ: Final = "https://campus.example.edu/quiz/4"
COURSE: Final = "https://campus.example.edu/course/1"
ADA: Final = {"objectType": "Agent", "mbox": "mailto:ada@example.com"}
BOB: Final = {"objectType": "Agent", "mbox": "mailto:bob@example.com"}
CID: Final = {"objectType": "Agent", "account": {"homePage": "https://campus.example.edu", "name": "c|d"}}
FIRST: Final = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=1, microsecond=0)


def sender_named(name: str, *scopes: Scope) -> Sender:
    """A sender with an authority of its own."""
    authority = {"objectType": "Agent", "account": {"homePage": "https://lms.example.com", "name": name}}
    return Sender(
        new_id(), name, authority, f"account:https://lms.example.com|{name}", frozenset(scopes or {Scope.ALL})
    )


SENDER: Final = sender_named("lms")


def statement(**parts: Any) -> dict[str, Any]:
    """A statement of an id of its own: Ada has completed the quiz, unless `parts` say something else."""
    told = {"actor": ADA, "verb": {"id": VERB}, "object": {"id": QUIZ}}
    return {"id": str(new_id()), **told, **parts}


def about(target: str, *, verb: str = "http://example.com/commented", actor: Mapping[str, Any] = BOB) -> dict[str, Any]:
    """A statement about another one."""
    return statement(actor=actor, verb={"id": verb}, object={"objectType": "StatementRef", "id": target})


def voiding(target: str) -> dict[str, Any]:
    """A statement that voids another one."""
    return about(target, verb=VOIDED)


class Keeper:
    """Stores statements one second after the other, from the first second of this month."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._next = FIRST

    async def keep(
        self,
        *statements: Mapping[str, Any],
        sender: Sender = SENDER,
        version: Version = Version.TWO,
        at: datetime | None = None,
    ) -> list[str]:
        """Store each in a transaction of its own, as far as times go; returns their ids."""
        shared = Shared()
        for one in statements:
            taken = incoming([one], version, sender)
            batch = Batch(taken, version, sender, 0, may_define=True, is_array=False)
            await store(await self._session.connection(), shared, [batch], taken, at or self._next)
            self._next += timedelta(seconds=1)
        return [one["id"] for one in statements]


class Reader:
    """Asks the handler of GET as the edge does."""

    def __init__(self, database: Database, version: Version = Version.TWO, sender: Sender = SENDER) -> None:
        self.database, self.version, self.sender = database, version, sender

    async def get(self, parameters: Mapping[str, str] | None = None, **headers: str) -> Answer:
        """The answer to a GET; headers are written with underscores."""
        given = parameters or {}
        assert given.keys() <= statement_reading.PARAMETERS, "the edge refuses what the resource does not know"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        call = Call("GET", "statements", given, named, b"", self.version, self.sender, self.database)
        return await statement_reading.read(call)

    async def result(self, parameters: Mapping[str, str] | None = None, **headers: str) -> Any:
        """The parsed body."""
        return json.loads((await self.get(parameters, **headers)).body)

    async def ids(self, **parameters: str) -> list[str]:
        """The ids of a whole list, from page to page."""
        found: list[str] = []
        given: Mapping[str, str] = parameters
        while True:
            result = await self.result(given)
            found += [one["id"] for one in result["statements"]]
            if not result["more"]:
                return found
            given = parameters_of(result["more"])


def parameters_of(link: str) -> dict[str, str]:
    """The parameters of a link to the next page."""
    assert urlsplit(link).path == "/xapi/statements"
    return dict(parse_qsl(urlsplit(link).query, strict_parsing=True, keep_blank_values=True))


def agent(of: Mapping[str, Any]) -> str:
    """An agent as a parameter."""
    return json.dumps(of)
