"""Sends what is due for an endpoint, one delivery after the other, and notes what was answered.

Between an answer and its note the worker may die: the delivery is then sent again, with the id it had. An endpoint that
does not answer is left alone for a while, so that one that is down costs the others nothing.
"""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import func, select

from academe.identity.api import holders_at
from academe.identity.types import Role
from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import NotificationKind
from academe.messaging.webhooks.addresses import reach_of
from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.queueing import ask_for_sending
from academe.messaging.webhooks.service import put_off
from academe.messaging.webhooks.signing import signed_headers
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.http.outbound import AddressRefusedError, CheckedTransport
from academe.platform.http.replies import beginning, read_within, retry_after, unanswered
from academe.platform.logging import get_logger

ACTOR: Final = system_actor("send webhooks")

WAITS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 5 * 60, 10 * 60, 10 * 60))
"""The waits between the attempts of one delivery: eight attempts in 28 hours, as the specification advises."""

FAILING_FOR: Final = timedelta(days=5)
"""An endpoint without a success for so long is switched off."""

_JITTER: Final = 0.2
_SECONDS: Final = 15.0
_TURN_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 64 * 1024
_SHOWN: Final = 1_000
_FIRST_REST: Final = timedelta(seconds=30)
_LONGEST_REST: Final = timedelta(minutes=10)
_GONE: Final = 410
_BUSY: Final = 429


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt: what is sent, where to, and with what it is signed."""

    endpoint_id: UUID
    delivery_id: UUID
    url: str
    body: bytes
    keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; without a status, `failure` says why nothing did. `wait` is what the receiver asked for."""

    milliseconds: int
    status: int | None = None
    response: str = ""
    failure: str = ""
    wait: timedelta = timedelta(0)

    @property
    def is_success(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_trouble(self) -> bool:
        """Whether the next delivery would probably fare no better."""
        return self.status is None or self.status >= 500 or self.status == _BUSY


async def send_due(database: Database, endpoint_id: UUID) -> None:
    """Send what is due, for half a minute at most; what is left then is for another task of the queue."""
    transport = CheckedTransport(reach_of(database.settings))
    end = time.monotonic() + _TURN_SECONDS
    async with httpx.AsyncClient(
        transport=transport, timeout=_SECONDS, follow_redirects=False, trust_env=False
    ) as client:
        while time.monotonic() < end:
            async with database.transaction(ACTOR) as session:
                task = await next_task(session, endpoint_id, base=database.settings.public_url.rstrip("/"))
            if task is None:
                return
            answer = await attempt(client, task)
            async with database.transaction(ACTOR) as session:
                await note(session, task, answer)
    async with database.transaction(ACTOR) as session:
        await ask_for_sending(session, endpoint_id)


async def next_task(session: Session, endpoint_id: UUID, *, base: str) -> Task | None:
    """The delivery that has been due for longest; None when there is none, or the endpoint is to be left alone."""
    now = clock.now()
    wanted = (
        select(WebhookEndpoint, WebhookDelivery)
        .join(WebhookDelivery, WebhookDelivery.endpoint_id == WebhookEndpoint.id)
        .where(
            WebhookEndpoint.id == endpoint_id,
            WebhookEndpoint.switched_off.is_(None),
            func.coalesce(WebhookEndpoint.not_before, now) <= now,
            WebhookDelivery.state == DeliveryState.WAITING,
            WebhookDelivery.next_attempt_at <= now,
        )
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(1)
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        return None
    endpoint, delivery = found
    keys = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > now:
        keys.append(endpoint.previous_secret)
    return Task(endpoint.id, delivery.id, endpoint.url, body_of(delivery, base), tuple(keys))


def body_of(delivery: WebhookDelivery, base: str) -> bytes:
    """The payload (Standard Webhooks 1.0, "Payload structure"): type, time of the event, data with a link to it."""
    data: dict[str, Any] = dict(delivery.data)
    if delivery.link:
        data["link"] = f"{base}{delivery.link}"
    at = delivery.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": delivery.event, "timestamp": at, "data": data}, ensure_ascii=False).encode()


async def attempt(client: httpx.AsyncClient, task: Task) -> Answer:
    """One request and its answer; raises nothing of the network."""
    started = time.monotonic()
    headers = {
        **signed_headers(task.delivery_id, task.body, keys=task.keys, at=clock.now()),
        "Content-Type": "application/json",
        "User-Agent": "Academe-Webhooks/1",
        # Not compressed: a small answer must not become a large one here.
        "Accept-Encoding": "identity",
    }
    try:
        async with (
            asyncio.timeout(_SECONDS),
            client.stream("POST", task.url, content=task.body, headers=headers) as response,
        ):
            text = beginning(await read_within(response, _LONGEST_ANSWER), _SHOWN)
            taken = round((time.monotonic() - started) * 1000)
            wait = retry_after(response.headers) or timedelta(0)
            return Answer(taken, response.status_code, text, _words(response.status_code), wait)
    except (httpx.HTTPError, httpx.InvalidURL, AddressRefusedError, TimeoutError) as error:
        return Answer(round((time.monotonic() - started) * 1000), failure=unanswered(error, _SECONDS))


async def note(session: Session, task: Task, answer: Answer) -> None:
    """Write down an attempt, and what follows from it for the delivery and for the endpoint."""
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == task.endpoint_id).with_for_update()
    endpoint = await session.scalar(wanted)
    delivery = await session.get(WebhookDelivery, task.delivery_id, with_for_update=True)
    if endpoint is None or delivery is None:
        return  # removed meanwhile
    now = clock.now()
    delivery.attempts += 1
    delivery.tried_at, delivery.milliseconds = now, answer.milliseconds
    delivery.status, delivery.response, delivery.failure = answer.status, answer.response, answer.failure
    if answer.is_success:
        delivery.state, delivery.next_attempt_at = DeliveryState.DELIVERED, None
        endpoint.failures, endpoint.failing_since, endpoint.not_before = 0, None, None
        return
    if endpoint.switched_off is not None or delivery.attempts > len(WAITS):
        delivery.state, delivery.next_attempt_at = DeliveryState.DEAD, None
    else:
        wait = WAITS[delivery.attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        delivery.state, delivery.next_attempt_at = DeliveryState.WAITING, now + max(wait, answer.wait)
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    if answer.is_trouble:
        rest = min(_FIRST_REST * 2 ** min(endpoint.failures - 1, 10), _LONGEST_REST)
        endpoint.not_before = now + max(rest, answer.wait)
    await session.flush()
    get_logger().info("webhook.failed", endpoint=str(endpoint.id), status=answer.status, reason=answer.failure)
    if endpoint.switched_off is None:
        await _switch_off_if_hopeless(session, endpoint, answer, now)


async def _switch_off_if_hopeless(session: Session, endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    if answer.status == _GONE:
        reason, why = SwitchedOff.GONE, "It answers that it is gone for good (410)."
    elif endpoint.failing_since is not None and now - endpoint.failing_since >= FAILING_FOR:
        reason, why = SwitchedOff.FAILING, f"Nothing has reached it for {FAILING_FOR.days} days."
    else:
        return
    await put_off(session, endpoint, reason, why=f"The endpoint was switched off. {why}")
    subject = Subject("webhook_endpoint", endpoint.id, endpoint.institution_id)
    record(session, actor=ACTOR, action="webhook.switched_off", subject=subject, summary=f"Webhook switched off. {why}")
    notice = Notice(
        NotificationKind.SYSTEM,
        f"The webhook {endpoint.name} is switched off"[:200],
        f"{why} What it missed can be sent again once it is switched on.",
        f"/webhooks/{endpoint.id}",
        is_essential=True,
    )
    receivers = await session.scalars(holders_at(endpoint.institution_id, Role.ADMINISTRATOR))
    await notify(session, actor=ACTOR, notice=notice, receivers=receivers.all())


def _words(status: int) -> str:
    if status < 300:
        return ""
    if status < 400:
        return f"It answers {status} with another address, to which nothing is sent; enter the right one."
    return f"It answers {status}."
