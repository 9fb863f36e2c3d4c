"""What there is of endpoints and deliveries; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, any_, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform.http.pagination import SortKey

BY_NAME: Final = (SortKey("name", WebhookEndpoint.name), SortKey("id", WebhookEndpoint.id))
NEWEST: Final = (SortKey("id", WebhookDelivery.id, descending=True),)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it is shown, without its secret; `dead` is how many deliveries wait for somebody."""

    id: UUID
    institution_id: UUID
    name: str
    url: str
    events: Sequence[str]
    previous_until: datetime | None
    switched_off_at: datetime | None
    switched_off: SwitchedOff | None
    failures: int
    failing_since: datetime | None
    not_before: datetime | None
    created_at: datetime
    dead: int
    delivered_at: datetime | None

    @property
    def state(self) -> str:
        """How it stands: active, failing or off."""
        return "off" if self.switched_off else "failing" if self.failures else "active"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is shown."""

    id: UUID
    endpoint_id: UUID
    event: str
    data: dict[str, Any]
    link: str
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime | None
    tried_at: datetime | None
    milliseconds: int | None
    status: int | None
    response: str
    failure: str


def endpoints(managed: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The endpoints for a condition, for `endpoint_of`."""
    own = WebhookDelivery.endpoint_id == WebhookEndpoint.id
    dead = select(func.count()).where(own, WebhookDelivery.state == DeliveryState.DEAD).scalar_subquery()
    delivered = select(func.max(WebhookDelivery.tried_at)).where(own, WebhookDelivery.state == DeliveryState.DELIVERED)
    return select(
        WebhookEndpoint.id, WebhookEndpoint.institution_id, WebhookEndpoint.name, WebhookEndpoint.url,
        WebhookEndpoint.events, WebhookEndpoint.previous_until, WebhookEndpoint.switched_off_at,
        WebhookEndpoint.switched_off, WebhookEndpoint.failures, WebhookEndpoint.failing_since,
        WebhookEndpoint.not_before, WebhookEndpoint.created_at, dead, delivered.scalar_subquery(),
    ).where(managed)  # fmt: skip


def endpoint_of(row: Row[*tuple[Any, ...]]) -> Endpoint:
    """A row of `endpoints`."""
    return Endpoint(*row[:14])


def deliveries(endpoint_id: UUID, state: DeliveryState | None = None) -> Select[*tuple[Any, ...]]:
    """The deliveries of an endpoint, for `delivery_of`."""
    wanted = select(
        WebhookDelivery.id, WebhookDelivery.endpoint_id, WebhookDelivery.event, WebhookDelivery.data,
        WebhookDelivery.link, WebhookDelivery.occurred_at, WebhookDelivery.state, WebhookDelivery.attempts,
        WebhookDelivery.next_attempt_at, WebhookDelivery.tried_at, WebhookDelivery.milliseconds,
        WebhookDelivery.status, WebhookDelivery.response, WebhookDelivery.failure,
    ).where(WebhookDelivery.endpoint_id == endpoint_id)  # fmt: skip
    return wanted if state is None else wanted.where(WebhookDelivery.state == state)


def delivery_of(row: Row[*tuple[Any, ...]]) -> Delivery:
    """A row of `deliveries`."""
    return Delivery(*row[:14])


async def subscribed(
    session: AsyncSession, event: str, institution_id: UUID | None = None
) -> Sequence[tuple[UUID, bool]]:
    """The endpoints that want an event, each with whether it is on; of every institution when none is named."""
    wants = literal(event) == any_(WebhookEndpoint.events.expression)
    wanted = select(WebhookEndpoint.id, WebhookEndpoint.switched_off.is_(None)).where(wants)
    if institution_id is not None:
        wanted = wanted.where(WebhookEndpoint.institution_id == institution_id)
    return [(row[0], row[1]) for row in await session.execute(wanted)]
