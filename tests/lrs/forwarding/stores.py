"""Two stores, as they meet over HTTP: this one, and the other one that gets what arrives here."""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import update

from academe.app import create_app
from academe.lrs.forwarding import queries
from academe.lrs.forwarding.models import XapiForward, XapiForwardLetter, XapiForwardProgress
from academe.lrs.forwarding.queries import Forward
from academe.lrs.forwarding.runner import take_turn
from academe.lrs.forwarding.service import ForwardWanted, add_forward
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.settings import Settings

SYSTEM = system_actor("test")
VERSION = {"X-Experience-API-Version": "2.0.0"}
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"


@dataclass
class Here:
    """This store: what senders send to it, and its forwards, one turn at a time."""

    database: Database
    secrets: dict[str, str] = field(default_factory=dict)
    ids: dict[str, UUID] = field(default_factory=dict)

    async def add_sender(self, key: str, institution: UUID | None = None) -> UUID:
        async with self.database.transaction(SYSTEM) as session:
            issued = await create_sender(
                session,
                actor=SYSTEM,
                name=key,
                key=key,
                home_page="https://here.example.edu",
                scopes=[Scope.ALL],
                institution_id=institution,
            )
        self.secrets[key], self.ids[key] = issued.secret, issued.sender.id
        return issued.sender.id

    def client(self, key: str = "sender") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_app(self.database.settings, self.database))
        auth = (key, self.secrets[key])
        return httpx.AsyncClient(transport=transport, base_url="http://here.test/xapi", auth=auth, headers=VERSION)

    async def send(self, *statements: Mapping[str, Any], key: str = "sender") -> list[str]:
        async with self.client(key) as client:
            answer = await client.post("/statements", json=list(statements))
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()
        return ids

    async def send_attached(self, statement: Mapping[str, Any], data: bytes, key: str = "sender") -> None:
        """Send a statement with the content of its one attachment."""
        sha2 = statement["attachments"][0]["sha2"]
        parts = (
            ("Content-Type: application/json", json.dumps(statement).encode()),
            (f"Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {sha2}", data),
        )
        body = b"".join(b"--b\r\n%s\r\n\r\n%s\r\n" % (head.encode(), content) for head, content in parts)
        async with self.client(key) as client:
            kind = {"Content-Type": "multipart/mixed; boundary=b"}
            answer = await client.post("/statements", content=body + b"--b--\r\n", headers=kind)
        assert answer.status_code == 200, answer.text

    async def add_forward(
        self,
        endpoint: str,
        *,
        key: str = "forward",
        secret: str = "sesame",  # noqa: S107 - opens nothing
        wanted: ForwardFilter | None = None,
        version: ForwardVersion = ForwardVersion.TWO,
        institution: UUID | None = None,
        since: Any = None,
    ) -> UUID:
        async with self.database.transaction(SYSTEM) as session:
            forward = await add_forward(
                session,
                actor=SYSTEM,
                settings=self.database.settings,
                wanted=ForwardWanted("There", endpoint, version, wanted or ForwardFilter(), key, secret),
                institution_id=institution,
                since=since,
            )
        return forward.id

    async def forward(self, id_: UUID) -> Forward:
        async with self.database.transaction(SYSTEM) as session:
            found = await session.execute(queries.forwards(XapiForward.id == id_))
            return queries.forward_of(found.one())

    async def letters(self, id_: UUID) -> Sequence[queries.Letter]:
        async with self.database.transaction(SYSTEM) as session:
            found = await session.execute(queries.letters(id_).order_by(XapiForwardLetter.stored))
            return [queries.letter_of(row, with_answer=True) for row in found]

    async def turn(self, id_: UUID) -> Forward:
        """Let the forward do all it can do now, whatever it was to wait for."""
        async with self.database.transaction(SYSTEM) as session:
            await session.execute(update(XapiForwardProgress).values(next_attempt_at=None))
        assert await take_turn(self.database, id_)
        return await self.forward(id_)


@dataclass(frozen=True)
class There:
    """The other store, an Academe as well, on a port and in a database of its own."""

    endpoint: str
    key: str
    secret: str

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.endpoint, auth=(self.key, self.secret), headers=VERSION)

    async def statements(self) -> list[dict[str, Any]]:
        """All that can be found, in the order in which they came."""
        found: list[dict[str, Any]] = []
        async with self.client() as client:
            answer = (await client.get("/statements", params={"ascending": "true", "limit": "0"})).json()
            found += answer["statements"]
            while answer["more"]:
                answer = (await client.get(httpx.URL(self.endpoint).join(answer["more"]))).json()
                found += answer["statements"]
        return found

    async def ids(self) -> list[str]:
        return [each["id"] for each in await self.statements()]


def secret_in(settings: Settings, key: str) -> str:
    """The secret of a new sender in a database that is not this test's loop's."""

    async def work() -> str:
        database = Database(settings)
        try:
            async with database.transaction(SYSTEM) as session:
                issued = await create_sender(
                    session, actor=SYSTEM, name=key, key=key, home_page="https://there.example.edu", scopes=[Scope.ALL]
                )
                return issued.secret
        finally:
            await database.close()

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, work()).result()


def statement(number: int = 1, **more: Any) -> dict[str, Any]:
    """A statement of a student."""
    return {
        "id": str(uuid4()),
        "actor": {"mbox": f"mailto:student{number}@example.com", "name": f"Student {number}"},
        "verb": {"id": COMPLETED, "display": {"en": "completed"}},
        "object": {"id": f"https://campus.example.edu/quiz/{number}"},
        **more,
    }


def about(id_: str, verb: str = "http://example.com/verbs/commented") -> dict[str, Any]:
    """A statement about another one."""
    return statement(99, verb={"id": verb}, object={"objectType": "StatementRef", "id": id_})


def attached(to: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    """The statement with an attachment of this content."""
    described = {
        "usageType": "http://example.com/certificate",
        "display": {"en": "Certificate"},
        "contentType": "text/plain",
        "length": len(data),
        "sha2": hashlib.sha256(data).hexdigest(),
    }
    return {**to, "attachments": [described]}
