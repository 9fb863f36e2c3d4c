"""Sending to another store, and what its answers mean.

200 with the ids of what was sent is the only acknowledgement. Some stores leave out ids that they had already, or
answer 204 when they had all: those are looked up. 400, 409, 413, 415 and 422 are about statements: the batch is halved
until the one that is meant stands alone. 401 and 403 are for a person to mend. Everything else is tried again later.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import httpx

from academe.lrs.forwarding.addresses import reach_of
from academe.lrs.forwarding.batches import Task, Waiting
from academe.lrs.forwarding.types import ForwardVersion, PauseReason
from academe.lrs.xapi.comparison import difference
from academe.lrs.xapi.multipart import Attachment, multipart_content, new_boundary
from academe.lrs.xapi.versions import Version
from academe.platform.http.outbound import AddressRefusedError, CheckedTransport
from academe.platform.http.replies import beginning, read_within, retry_after, unanswered
from academe.platform.settings import Settings

REFUSED_IN_ROW: Final = 25
"""So many dead letters without a delivery between them mean that something else is wrong; the forward then pauses."""

_CONNECT_SECONDS: Final = 10
_LONGEST_ANSWER: Final = 2**20
_SHOWN: Final = 1_000
_TAKEN: Final = frozenset({200, 204})
_SPLIT: Final = frozenset({400, 409, 413, 415, 422})
_PAUSE: Final = frozenset({401, 403})
_LATER: Final = frozenset({429, 503})
_NO_STORE: Final = "It answers without the ids of the statements: this is not the address of a learning record store."
_NOT_NAMED: Final = (
    "It does not say that it has all statements, and whether it has the rest cannot be read there; the credentials may"
    " need statements/read/mine."
)
_ANOTHER: Final = "The other store has another statement of this id."

Reload = Callable[[Sequence[Waiting]], Awaitable[list[Waiting]]]
Contents = Callable[[str, UUID | None], Awaitable[tuple[bytes, str] | None]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: what came back (None for nothing), how many statements it carried, and how long it took."""

    status: int | None
    statements: int
    milliseconds: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement that the other store will not have, and what it said."""

    statement: Waiting
    status: int | None
    reason: str
    answer: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a forward stops for now: for a time (`wait_seconds` where the other store said it), or until a person acts.

    `shrink` says that smaller batches may help.
    """

    words: str
    pause: PauseReason | None = None
    wait_seconds: float | None = None
    shrink: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of a task, in the order of its statements: all up to `through` are decided.

    `too_large` is the smallest batch that the other store found so; 0 when it found none.
    """

    through: datetime
    delivered: int = 0
    refused: list[Refused] = field(default_factory=list)
    refused_in_row: int = 0
    too_large: int = 0
    failure: Failure | None = None
    answers: list[Answered] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer, read as far as it matters."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def text(self) -> str:
        """The beginning of it, for people."""
        return beginning(self.body, _SHOWN)


class _StopError(Exception):
    """The task ends here."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure


class Sending:
    """One forward's connection to its store: one request at a time."""

    def __init__(self, settings: Settings, *, reload: Reload, contents: Contents) -> None:
        self._seconds = settings.xapi_forward_timeout_seconds
        self._reload = reload
        self._contents = contents
        timeout = httpx.Timeout(self._seconds, connect=min(_CONNECT_SECONDS, self._seconds))
        self._client = httpx.AsyncClient(
            transport=CheckedTransport(reach_of(settings)), timeout=timeout, follow_redirects=False, trust_env=False
        )

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    async def deliver(self, task: Task) -> Outcome:
        """Send the statements of a task; raises nothing of the network, and what the file store raises."""
        outcome = Outcome(task.after, refused_in_row=task.refused_in_row)
        try:
            if task.statements:
                await self._send(task, task.statements, outcome)
            outcome.through = task.upto
        except _StopError as stop:
            if task.is_letter and stop.failure.shrink:
                # Alone already, and the others must not wait for it: the letter is dead again.
                status = outcome.answers[-1].status
                outcome.refused.append(Refused(task.statements[0], status, stop.failure.words, ""))
            else:
                outcome.failure = stop.failure
        return outcome

    async def _send(self, task: Task, statements: Sequence[Waiting], outcome: Outcome) -> None:
        reply = await self._posted(task, statements, outcome)
        if reply.status in _TAKEN:
            await self._acknowledge(task, statements, reply, outcome)
        elif reply.status not in _SPLIT:
            raise _StopError(_failure_of(reply))
        elif len(statements) > 1:
            if reply.status == 413:
                outcome.too_large = len(statements)
            half = len(statements) // 2
            for part in (statements[:half], statements[half:]):
                # Not what was read before: somebody may have been erased meanwhile.
                if fresh := await self._reload(part):
                    await self._send(task, fresh, outcome)
                outcome.through = part[-1].stored
            return
        else:
            await self._refuse(task, statements[0], reply, outcome)
        outcome.through = statements[-1].stored

    async def _acknowledge(self, task: Task, statements: Sequence[Waiting], reply: _Reply, outcome: Outcome) -> None:
        """Count what the other store names, and look up the rest, which it should have had before."""
        named = _ids_in(reply)
        if not named <= {each.id for each in statements}:
            raise _StopError(Failure(_NO_STORE))
        for each in statements:
            if each.id not in named:
                there = await self._there(task, each.id, outcome)
                if there is None:
                    raise _StopError(Failure(_NOT_NAMED if named or reply.status == 204 else _NO_STORE))
                if not _is_same(json.loads(each.text), there, task.version):
                    outcome.refused.append(Refused(each, reply.status, _ANOTHER, reply.text))
                    outcome.through = each.stored
                    continue
            outcome.delivered += 1
            outcome.refused_in_row = 0
            outcome.through = each.stored

    async def _refuse(self, task: Task, statement: Waiting, reply: _Reply, outcome: Outcome) -> None:
        """Note that a single statement is refused, unless the other store has the same one already."""
        reason = "The other store refuses it."
        if reply.status == 409:
            there = await self._there(task, statement.id, outcome)
            if there is not None and _is_same(json.loads(statement.text), there, task.version):
                outcome.delivered += 1
                outcome.refused_in_row = 0
                return
            reason = (
                "The other store says that it has another statement of this id, which cannot be read there."
                if there is None
                else _ANOTHER
            )
        elif reply.status == 413:
            reason = "The other store finds it too large."
        outcome.refused.append(Refused(statement, reply.status, reason, reply.text))
        outcome.refused_in_row += 1
        if outcome.refused_in_row >= REFUSED_IN_ROW:
            outcome.through = statement.stored
            words = f"The other store refuses every statement, {REFUSED_IN_ROW} in a row, the last with {reply.status}."
            raise _StopError(Failure(words, pause=PauseReason.EVERYTHING_REFUSED))

    async def _there(self, task: Task, id_: UUID, outcome: Outcome) -> dict[str, Any] | None:
        """The statement of an id as the other store has it, voided or not; None when it cannot be read."""
        for name in ("statementId", "voidedStatementId"):
            reply = await self._asked(task, "GET", {name: str(id_)}, {}, b"", 0, outcome)
            if reply.status == 200 and (found := _statement_in(reply, id_)) is not None:
                return found
            if reply.status in _LATER or reply.status >= 500:
                raise _StopError(_failure_of(reply))
        return None

    async def _posted(self, task: Task, statements: Sequence[Waiting], outcome: Outcome) -> _Reply:
        body = f"[{','.join(each.text for each in statements)}]".encode()
        content_type = "application/json"
        parts = []
        for sha2 in dict.fromkeys(sha2 for each in statements for sha2 in each.hashes):
            kept = await self._contents(sha2, task.institution_id)
            if kept is not None:
                parts.append(Attachment(sha2, kept[1], kept[0]))
        if parts:
            boundary = new_boundary()
            body = b"".join(multipart_content(boundary, body, parts))
            content_type = f"multipart/mixed; boundary={boundary}"
        headers = {"Content-Type": content_type}
        return await self._asked(task, "POST", {}, headers, body, len(statements), outcome)

    async def _asked(
        self,
        task: Task,
        method: str,
        parameters: dict[str, str],
        headers: dict[str, str],
        body: bytes,
        statements: int,
        outcome: Outcome,
    ) -> _Reply:
        """One request and its answer, whole within the time limit; raises _StopError when there is none."""
        started = time.monotonic()
        headers = headers | {
            "Authorization": task.authorization,
            "X-Experience-API-Version": task.version.header,
            # Not compressed: a small answer must not become a large one here.
            "Accept-Encoding": "identity",
        }
        address = f"{task.endpoint}/statements"
        status: int | None = None
        said = ""
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(
                    method, address, params=parameters or None, headers=headers, content=body or None
                ) as response,
            ):
                status = response.status_code
                return _Reply(status, response.headers, await read_within(response, _LONGEST_ANSWER))
        except (httpx.HTTPError, httpx.InvalidURL, AddressRefusedError, TimeoutError) as error:
            # Smaller batches may help where there was a connection.
            shrink = not isinstance(error, (AddressRefusedError, httpx.ConnectTimeout, httpx.ConnectError))
            failure = Failure(unanswered(error, self._seconds), shrink=shrink)
            status, said = None, failure.words
            raise _StopError(failure) from error
        finally:
            milliseconds = round((time.monotonic() - started) * 1000)
            outcome.answers.append(Answered(status, statements, milliseconds, said))


def _ids_in(reply: _Reply) -> set[UUID]:
    """The ids of an acknowledgement; a page for people, which is answered with 200 too, is a failure."""
    if reply.status == 204:
        return set()
    try:
        ids = json.loads(reply.body)
        if isinstance(ids, list):
            return {UUID(each) for each in ids}
    except (ValueError, TypeError, AttributeError) as error:
        raise _StopError(Failure(_NO_STORE)) from error
    raise _StopError(Failure(_NO_STORE))


def _statement_in(reply: _Reply, id_: UUID) -> dict[str, Any] | None:
    """The statement that was asked for by its id; some stores answer with a list of one."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        return None
    listed = found.get("statements") if isinstance(found, dict) else None
    for each in listed if isinstance(listed, list) else [found]:
        if isinstance(each, dict) and str(each.get("id")).lower() == str(id_):
            return each
    return None


def _failure_of(reply: _Reply) -> Failure:
    if reply.status in _PAUSE:
        what = "refuses the credentials" if reply.status == 401 else "does not let these credentials write statements"
        return Failure(f"The other store {what} ({reply.status}).", pause=PauseReason.CREDENTIALS)
    if reply.status in _LATER:
        wait = retry_after(reply.headers)
        seconds = None if wait is None else wait.total_seconds()
        asked = "" if seconds is None else f" and asks to come back in {seconds:.0f} s"
        return Failure(f"The other store is busy ({reply.status}){asked}.", wait_seconds=seconds)
    if 300 <= reply.status < 400:
        return Failure(
            f"It answers {reply.status} with another address, to which nothing is sent; enter the right one."
        )
    if reply.status == 404:
        return Failure("There is no learning record store at this address (404).")
    return Failure(f"The other store failed ({reply.status}).", shrink=reply.status >= 500)


def _is_same(ours: dict[str, Any], theirs: dict[str, Any], version: ForwardVersion) -> bool:
    """Whether two statements are the same one as the standard defines it; what is malformed is not."""
    try:
        return difference(ours, theirs, Version.TWO if version is ForwardVersion.TWO else Version.ONE) is None
    except (KeyError, TypeError, AttributeError):
        return False
