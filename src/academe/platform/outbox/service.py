"""Facts: announced in the transaction that makes them true, received by whoever registered for them.

A fact is a frozen dataclass beside the module that knows it (`academics/facts.py`), with its name and past tense:

    @dataclass(frozen=True, slots=True)
    class EnrollmentWithdrawn(Fact):
        KIND: ClassVar[str] = "academics.enrollment_withdrawn"
        enrollment_id: UUID
        on: date
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import insert, text

from academe.platform.database.session import Session
from academe.platform.ids import new_id
from academe.platform.jobs.service import defer, defer_all
from academe.platform.outbox.models import OutboxMessage

DELIVERY_TASK: Final = "academe.delivery"


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of every fact. `KIND` names it for good; fields are ids, numbers, dates and texts, never names of people.

    A fact may wait in the outbox over an upgrade: new fields need a default, and none is renamed.
    """

    KIND: ClassVar[str]


_INSERT_ALL: Final = text(
    "INSERT INTO outbox_message (id, kind, payload) SELECT id, kind, payload"
    " FROM jsonb_to_recordset(CAST(:messages AS jsonb)) AS (id uuid, kind text, payload jsonb)"
)

F = TypeVar("F", bound=Fact)
Receiver = Callable[[Session, F], Awaitable[None]]

_adapters: dict[type[Fact], TypeAdapter[Any]] = {}
_receivers: dict[str, dict[str, tuple[type[Fact], Receiver[Any]]]] = {}


async def announce(session: Session, fact: Fact) -> None:
    """Announce a fact in the caller's transaction; after the commit every receiver gets it, at least once."""
    message_id = new_id()
    payload = _adapter(type(fact)).dump_python(fact, mode="json")
    await session.execute(insert(OutboxMessage).values(id=message_id, kind=fact.KIND, payload=payload).inline())
    await defer(session, DELIVERY_TASK, arguments=f'{{"message_id": "{message_id}"}}')


async def announce_all(session: Session, facts: Sequence[Fact]) -> None:
    """Announce many facts with two statements, whatever their number; what `announce` does for one."""
    messages = [
        {"id": str(new_id()), "kind": fact.KIND, "payload": _adapter(type(fact)).dump_python(fact, mode="json")}
        for fact in facts
    ]
    if messages:
        await session.execute(_INSERT_ALL, {"messages": json.dumps(messages, ensure_ascii=False)})
        await defer_all(session, DELIVERY_TASK, argument="message_id", values=[one["id"] for one in messages])


def receives(fact: type[F], receiver: str) -> Callable[[Receiver[F]], Receiver[F]]:
    """Register a function for a kind of fact; for composition roots (`worker.py`).

    `receiver` names it for good: a receipt under that name keeps a fact from being received twice. The function gets a
    session whose transaction holds the receipt too, acts as the system, and is called again when it raises.
    """

    def register(function: Receiver[F]) -> Receiver[F]:
        known = _receivers.setdefault(fact.KIND, {})
        if receiver in known:
            raise ValueError(f"{fact.KIND} has two receivers called {receiver}")
        known[receiver] = (fact, function)
        return function

    return register


def receivers_of(kind: str) -> dict[str, tuple[type[Fact], Receiver[Any]]]:
    """The receivers of a kind of fact, by their names."""
    return _receivers.get(kind, {})


def fact_from(fact: type[F], payload: dict[str, Any]) -> F:
    """The fact as it was announced."""
    found: F = _adapter(fact).validate_python(payload)
    return found


def _adapter(fact: type[Fact]) -> TypeAdapter[Any]:
    if fact not in _adapters:
        _adapters[fact] = TypeAdapter(fact)
    return _adapters[fact]
