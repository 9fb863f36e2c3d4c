"""Writes the deliveries of a fact, in the transaction that holds the receipt of it: each endpoint is told once."""

from academe.messaging.webhooks.events import EventKind, Happened, register_event
from academe.messaging.webhooks.models import WebhookDelivery
from academe.messaging.webhooks.queries import subscribed
from academe.messaging.webhooks.queueing import ask_for_sending
from academe.messaging.webhooks.types import DeliveryState
from academe.platform import clock
from academe.platform.database.session import Session
from academe.platform.outbox.service import Fact, receives

SWITCHED_OFF = "The endpoint was switched off when this happened."
RECEIVER = "messaging.webhooks"


def receive_event(kind: EventKind) -> None:
    """Make a kind known and tell endpoints of it from now on; for `worker.py`."""

    async def tell(session: Session, fact: Fact) -> None:
        # Most institutions tell nobody: then the fact is not even looked up.
        if not await subscribed(session, kind.name):
            return
        happened = await kind.read(session, fact)
        if happened is not None:
            await write_deliveries(session, event=kind.name, happened=happened)

    register_event(kind)
    receives(kind.fact, RECEIVER)(tell)


async def write_deliveries(session: Session, *, event: str, happened: Happened) -> int:
    """One delivery for each endpoint of the institution that wants the event; returns how many.

    An endpoint that is switched off gets its own as a dead letter, to be sent when somebody asks for it.
    """
    told = await subscribed(session, event, happened.institution_id)
    now = clock.now()
    for endpoint_id, is_on in told:
        session.add(
            WebhookDelivery(
                endpoint_id=endpoint_id,
                institution_id=happened.institution_id,
                person_id=happened.person_id,
                event=event,
                data=dict(happened.data),
                link=happened.link,
                occurred_at=now,
                state=DeliveryState.WAITING if is_on else DeliveryState.DEAD,
                next_attempt_at=now if is_on else None,
                failure="" if is_on else SWITCHED_OFF,
            )
        )
    await session.flush()
    for endpoint_id, is_on in told:
        if is_on:
            await ask_for_sending(session, endpoint_id)
    return len(told)
