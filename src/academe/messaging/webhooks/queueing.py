"""Asks the queue to send what an endpoint waits for, in the transaction of the caller."""

import json
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.types import DeliveryState
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, Session
from academe.platform.jobs.service import defer

SENDING_TASK: Final = "academe.webhooks"
_ACTOR: Final = system_actor("look for webhooks that are due")


async def ask_for_sending(session: Session, endpoint_id: UUID) -> None:
    """Have sent what is due, after the commit. Tasks of one endpoint run one after the other, by the lock."""
    arguments = json.dumps({"endpoint_id": str(endpoint_id)})
    await defer(session, SENDING_TASK, arguments=arguments, lock=f"webhook {endpoint_id}")


async def ask_for_due(database: Database) -> None:
    """Have sent what is due by now: what was to be tried again, and what a task has left behind."""
    now = func.now()
    due = (
        select(WebhookEndpoint.id)
        .where(
            WebhookEndpoint.switched_off.is_(None),
            func.coalesce(WebhookEndpoint.not_before, now) <= now,
            select(WebhookDelivery.id)
            .where(
                WebhookDelivery.endpoint_id == WebhookEndpoint.id,
                WebhookDelivery.state == DeliveryState.WAITING,
                WebhookDelivery.next_attempt_at <= now,
            )
            .exists(),
        )
        .order_by(WebhookEndpoint.id)
    )
    async with database.transaction(_ACTOR) as session:
        for endpoint_id in (await session.scalars(due)).all():
            await ask_for_sending(session, endpoint_id)
