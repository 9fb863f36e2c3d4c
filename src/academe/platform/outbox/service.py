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

from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from academe.platform.jobs.service import QUEUE

DELIVERY_TASK: Final = "academe.delivery"


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of every fact. `KIND` names it for good; fields are ids, numbers, dates and texts, never names of people.

    A fact may wait in the outbox over an upgrade: new fields need a default, and none is renamed.
    """

    KIND: ClassVar[str]


# Messages and the tasks that deliver them, with one statement however many there are. The ids come from the parameter,
# because whoever announces may not read the outbox; the function is the queue's own.
_ANNOUNCE: Final = DriverStatement(
    """
    WITH message AS MATERIALIZED (
        SELECT id, kind, payload
        FROM jsonb_to_recordset(CAST(%(messages)s AS jsonb)) AS (id uuid, kind text, payload jsonb)
    ), written AS (
        INSERT INTO outbox_message (id, kind, payload) SELECT id, kind, payload FROM message
    )
    SELECT procrastinate_defer_jobs_v1(ARRAY(
        SELECT ROW(
            CAST(%(queue)s AS varchar), CAST(%(task)s AS varchar), 0, NULL::text, NULL,
            jsonb_build_object('message_id', id), NULL::timestamptz
        )::procrastinate_job_to_defer_v1
        FROM message
    ))
    """,
    operation="insert",
    table="outbox_message",
)

F = TypeVar("F", bound=Fact)
Receiver = Callable[[Session, F], Awaitable[None]]
ReceiverOfSeveral = Callable[[Session, Sequence[F]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A function that receives facts; several at once where `by` names the field in which they agree."""

    fact: type[Fact]
    function: ReceiverOfSeveral[Any]
    by: str | None


_adapters: dict[type[Fact], TypeAdapter[Any]] = {}
_receivers: dict[str, dict[str, Registered]] = {}


async def announce(session: Session, fact: Fact) -> None:
    """Announce a fact in the caller's transaction; after the commit every receiver gets it, at least once."""
    await announce_all(session, [fact])


async def announce_all(session: Session, facts: Sequence[Fact]) -> None:
    """Announce many facts with one statement, whatever their number; what `announce` does for one."""
    messages = [
        {"id": str(new_id()), "kind": fact.KIND, "payload": _adapter(type(fact)).dump_python(fact, mode="json")}
        for fact in facts
    ]
    if messages:
        parameters = {"messages": json.dumps(messages, ensure_ascii=False), "queue": QUEUE, "task": DELIVERY_TASK}
        await _ANNOUNCE.rows(await session.connection(), parameters)


def receives(fact: type[F], receiver: str) -> Callable[[Receiver[F]], Receiver[F]]:
    """Register a function for a kind of fact; for composition roots (`worker.py`).

    `receiver` names it for good: a receipt under that name keeps a fact from being received twice. The function gets a
    session whose transaction holds the receipt too, acts as the system, and is called again when it raises.
    """

    def register(function: Receiver[F]) -> Receiver[F]:
        async def one_by_one(session: Session, facts: Sequence[F]) -> None:
            for each in facts:
                await function(session, each)

        _register(receiver, Registered(fact, one_by_one, None))
        return function

    return register


def receives_together(
    fact: type[F], receiver: str, *, by: str
) -> Callable[[ReceiverOfSeveral[F]], ReceiverOfSeveral[F]]:
    """Register a function for all waiting facts of a kind that agree in the field `by`, in one transaction.

    For work that costs about the same for one fact as for many. Facts that agree are received in turn; when the
    function raises, all that it was given come again. Otherwise what `receives` does.
    """

    def register(function: ReceiverOfSeveral[F]) -> ReceiverOfSeveral[F]:
        _register(receiver, Registered(fact, function, by))
        return function

    return register


def _register(receiver: str, registered: Registered) -> None:
    known = _receivers.setdefault(registered.fact.KIND, {})
    if receiver in known:
        raise ValueError(f"{registered.fact.KIND} has two receivers called {receiver}")
    known[receiver] = registered


def receivers_of(kind: str) -> dict[str, Registered]:
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
