"""Verbs of webhooks: add an endpoint, change it, give it another secret, switch it, try it, send again what is dead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, select, update

from academe.messaging.errors import WebhookNotFoundError, WebhookStateError
from academe.messaging.webhooks.addresses import checked_url
from academe.messaging.webhooks.events import PING, event_kinds
from academe.messaging.webhooks.models import LONGEST_NAME, WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.policy import institution_to_manage, managed_by, require_managing
from academe.messaging.webhooks.queries import Delivery, Endpoint, deliveries, delivery_of, endpoint_of, endpoints
from academe.messaging.webhooks.queueing import ask_for_sending
from academe.messaging.webhooks.signing import new_secret
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.settings import Settings

OVERLAP: Final = timedelta(hours=24)
"""How long both secrets sign after a change, so that the receiver can change its own at leisure."""

KEEP_DELIVERED: Final = timedelta(days=30)
KEEP_DEAD: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class EndpointWanted:
    """An endpoint as somebody wants it."""

    name: str
    url: str
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    """An endpoint and its new secret, which is told this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


async def add_endpoint(
    session: Session, *, actor: Actor, settings: Settings, wanted: EndpointWanted, institution_id: UUID | None = None
) -> IssuedSecret:
    """Tell a program of an institution from now on. Raises PermissionDeniedError and InvalidInputError."""
    institution = institution_to_manage(actor, institution_id)
    name, url, events = _checked(wanted, settings)
    secret = new_secret()
    endpoint = WebhookEndpoint(institution_id=institution, name=name, url=url, events=events, secret=secret)
    session.add(endpoint)
    await session.flush()
    _record(session, actor, endpoint, "added", "Webhook added", {"to": _place(url), "events": events})
    return IssuedSecret(endpoint, secret)


async def change_endpoint(
    session: Session, *, actor: Actor, settings: Settings, endpoint_id: UUID, wanted: EndpointWanted
) -> WebhookEndpoint:
    """Change where it is told, and what. Raises WebhookNotFoundError, PermissionDeniedError and InvalidInputError."""
    endpoint = await _locked(session, actor, endpoint_id)
    endpoint.name, endpoint.url, endpoint.events = _checked(wanted, settings)
    endpoint.not_before = None
    await session.flush()
    changes = {"to": _place(endpoint.url), "events": endpoint.events}
    _record(session, actor, endpoint, "changed", "Webhook changed", changes)
    await ask_for_sending(session, endpoint_id)
    return endpoint


async def rotate_secret(session: Session, *, actor: Actor, endpoint_id: UUID, at_once: bool = False) -> IssuedSecret:
    """Give it another secret. The old one signs for another 24 hours, unless it is to end `at_once`.

    Raises WebhookNotFoundError and PermissionDeniedError.
    """
    endpoint = await _locked(session, actor, endpoint_id)
    secret = new_secret()
    endpoint.previous_secret = None if at_once else endpoint.secret
    endpoint.previous_until = None if at_once else clock.now() + OVERLAP
    endpoint.secret = secret
    await session.flush()
    _record(session, actor, endpoint, "secret_rotated", "Webhook got a new secret", {"at_once": at_once})
    return IssuedSecret(endpoint, secret)


async def switch_off(session: Session, *, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """Send it nothing. What waits for it, and what happens meanwhile, can be sent again later.

    Raises WebhookNotFoundError, PermissionDeniedError, and WebhookStateError when it is off already.
    """
    endpoint = await _locked(session, actor, endpoint_id)
    if endpoint.switched_off is not None:
        raise WebhookStateError("It is switched off already.")
    await put_off(session, endpoint, SwitchedOff.PERSON, why="Somebody has switched the endpoint off.")
    _record(session, actor, endpoint, "switched_off", "Webhook switched off")
    return endpoint


async def switch_on(session: Session, *, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """Tell it again of what happens from now on. Raises as `switch_off`."""
    endpoint = await _locked(session, actor, endpoint_id)
    if endpoint.switched_off is None:
        raise WebhookStateError("It is switched on already.")
    endpoint.switched_off = endpoint.switched_off_at = endpoint.failing_since = endpoint.not_before = None
    endpoint.failures = 0
    await session.flush()
    _record(session, actor, endpoint, "switched_on", "Webhook switched on")
    return endpoint


async def remove_endpoint(session: Session, *, actor: Actor, endpoint_id: UUID) -> None:
    """Remove it with its secret and deliveries. Raises WebhookNotFoundError and PermissionDeniedError."""
    endpoint = await _locked(session, actor, endpoint_id)
    _record(session, actor, endpoint, "removed", "Webhook removed", {"to": _place(endpoint.url)})
    await session.delete(endpoint)
    await session.flush()


async def ping(session: Session, *, actor: Actor, endpoint_id: UUID) -> WebhookDelivery:
    """Send it something to try it. Raises as `send_again`."""
    endpoint = await _switched_on(session, actor, endpoint_id)
    now = clock.now()
    delivery = WebhookDelivery(
        endpoint_id=endpoint.id,
        institution_id=endpoint.institution_id,
        event=PING,
        data={"endpoint_id": str(endpoint.id)},
        occurred_at=now,
        next_attempt_at=now,
        state=DeliveryState.WAITING,
    )
    session.add(delivery)
    endpoint.not_before = None
    await session.flush()
    await ask_for_sending(session, endpoint_id)
    _record(session, actor, endpoint, "pinged", "Webhook tried")
    return delivery


async def send_again(session: Session, *, actor: Actor, endpoint_id: UUID, delivery_id: UUID | None = None) -> int:
    """Send a delivery that is over once more, or every dead one; returns how many. Each keeps its id.

    Raises WebhookNotFoundError, PermissionDeniedError, and WebhookStateError when the endpoint is switched off or the
    delivery is on its way.
    """
    endpoint = await _switched_on(session, actor, endpoint_id)
    chosen = [WebhookDelivery.endpoint_id == endpoint_id]
    if delivery_id is None:
        chosen.append(WebhookDelivery.state == DeliveryState.DEAD)
    else:
        await delivery_for(session, actor=actor, endpoint_id=endpoint_id, delivery_id=delivery_id)
        chosen += [WebhookDelivery.id == delivery_id, WebhookDelivery.state != DeliveryState.WAITING]
    values = {"state": DeliveryState.WAITING, "attempts": 0, "next_attempt_at": clock.now()}
    again = update(WebhookDelivery).where(*chosen).values(values).returning(WebhookDelivery.id)
    count = len((await session.execute(again)).all())
    if delivery_id is not None and not count:
        raise WebhookStateError("It is on its way already.")
    endpoint.not_before = None
    await session.flush()
    await ask_for_sending(session, endpoint_id)
    _record(session, actor, endpoint, "sent_again", f"{count:,} deliveries sent again", {"deliveries": count})
    return count


async def endpoint_for(session: Session | ReadSession, *, actor: Actor, endpoint_id: UUID) -> Endpoint:
    """One endpoint that the actor may see; raises WebhookNotFoundError and PermissionDeniedError."""
    require_managing(actor)
    wanted = endpoints(managed_by(actor)).where(WebhookEndpoint.id == endpoint_id)
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise WebhookNotFoundError
    return endpoint_of(row)


async def delivery_for(
    session: Session | ReadSession, *, actor: Actor, endpoint_id: UUID, delivery_id: UUID
) -> Delivery:
    """One delivery of an endpoint that the actor may see; raises as `endpoint_for`."""
    await endpoint_for(session, actor=actor, endpoint_id=endpoint_id)
    row = (await session.execute(deliveries(endpoint_id).where(WebhookDelivery.id == delivery_id))).one_or_none()
    if row is None:
        raise WebhookNotFoundError
    return delivery_of(row)


async def put_off(session: Session, endpoint: WebhookEndpoint, reason: SwitchedOff, *, why: str) -> None:
    """Switch an endpoint off, and make dead letters of what waits for it; for the verbs and for the sending."""
    endpoint.switched_off, endpoint.switched_off_at = reason, clock.now()
    waiting = (WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.WAITING)
    values = {"state": DeliveryState.DEAD, "next_attempt_at": None, "failure": why}
    await session.flush()
    await session.execute(update(WebhookDelivery).where(*waiting).values(values))


async def forget_deliveries(session: Session) -> None:
    """Delete what was delivered a month ago, and what has been dead for three; needs the system as actor."""
    now = clock.now()
    for state, age in ((DeliveryState.DELIVERED, KEEP_DELIVERED), (DeliveryState.DEAD, KEEP_DEAD)):
        over = (WebhookDelivery.state == state, WebhookDelivery.occurred_at < now - age)
        await session.execute(delete(WebhookDelivery).where(*over))


async def _locked(session: Session, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    require_managing(actor)
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, managed_by(actor)).with_for_update()
    endpoint = (await session.execute(wanted.execution_options(populate_existing=True))).scalar_one_or_none()
    if endpoint is None:
        raise WebhookNotFoundError
    return endpoint


async def _switched_on(session: Session, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    endpoint = await _locked(session, actor, endpoint_id)
    if endpoint.switched_off is not None:
        raise WebhookStateError("The endpoint is switched off; switch it on first.")
    return endpoint


def _checked(wanted: EndpointWanted, settings: Settings) -> tuple[str, str, list[str]]:
    """The name, the address and the events as they are kept; InvalidInputError names every field that is wrong."""
    faults: list[FieldError] = []
    name, url = " ".join(wanted.name.split()), ""
    if not 1 <= len(name) <= LONGEST_NAME:
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters."))
    try:
        url = checked_url(wanted.url, settings)
    except ValueError as error:
        faults.append(FieldError("url", str(error)))
    events = sorted(set(wanted.events))
    unknown = set(events) - {kind.name for kind in event_kinds()}
    if unknown or not events:
        words = (
            f"There are no events called {', '.join(sorted(unknown))}." if unknown else "Please choose at least one."
        )
        faults.append(FieldError("events", words))
    if faults:
        raise InvalidInputError(errors=faults)
    return name, url, events


def _place(url: str) -> str:
    """The address without its path and query, which may hold what opens it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _record(
    session: Session,
    actor: Actor,
    endpoint: WebhookEndpoint,
    action: str,
    summary: str,
    changes: Mapping[str, object] | None = None,
) -> None:
    subject = Subject("webhook_endpoint", endpoint.id, endpoint.institution_id)
    record(session, actor=actor, action=f"webhook.{action}", subject=subject, summary=summary, changes=changes)
