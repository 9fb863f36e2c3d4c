"""JSON of webhooks."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.messaging.webhooks import service
from academe.messaging.webhooks.events import event_kinds
from academe.messaging.webhooks.policy import institution_to_manage, managed_by, require_managing
from academe.messaging.webhooks.queries import (
    BY_NAME,
    NEWEST,
    Delivery,
    Endpoint,
    deliveries,
    delivery_of,
    endpoint_of,
    endpoints,
)
from academe.messaging.webhooks.schemas import (
    DeliveryOut,
    EventOut,
    RotateIn,
    SecretOut,
    SentAgainOut,
    WebhookAddIn,
    WebhookIn,
    WebhookOut,
)
from academe.messaging.webhooks.signing import message_id
from academe.messaging.webhooks.types import DeliveryState
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router
from academe.platform.settings import Settings

router = api_router("/webhooks", tag="webhooks")


@router.get("")
async def list_webhooks(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[WebhookOut]:
    """The endpoints of the institutions that the caller administers, by name."""
    require_managing(actor)
    return await fetch_page(
        session, endpoints(managed_by(actor)), BY_NAME, paging, lambda row: _endpoint(endpoint_of(row))
    )


@router.get("/events")
async def list_webhook_events(actor: SignedIn) -> list[EventOut]:
    """What an endpoint can be told."""
    require_managing(actor)
    return [EventOut(name=kind.name, words=kind.words) for kind in event_kinds()]


@router.post("", status_code=201)
async def add_webhook(request: Request, body: WebhookAddIn, actor: SignedIn, session: WriteSession) -> SecretOut:
    """Tell a program from now on; the answer holds the secret by which it knows us."""
    # Before what was sent is looked at: whoever may not add one is told that, and nothing of its contents.
    institution_id = institution_to_manage(actor, body.institution_id)
    issued = await service.add_endpoint(
        session, actor=actor, settings=_settings(request), wanted=body.wanted(), institution_id=institution_id
    )
    return SecretOut(id=issued.endpoint.id, secret=issued.secret)


@router.get("/{webhook_id}")
async def show_webhook(webhook_id: UUID, actor: SignedIn, session: ReadOnlySession) -> WebhookOut:
    """One endpoint and how it does."""
    return _endpoint(await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id))


@router.put("/{webhook_id}", status_code=204)
async def change_webhook(
    request: Request, webhook_id: UUID, body: WebhookIn, actor: SignedIn, session: WriteSession
) -> Response:
    """Change where it is told, and what."""
    await service.change_endpoint(
        session, actor=actor, settings=_settings(request), endpoint_id=webhook_id, wanted=body.wanted()
    )
    return Response(status_code=204)


@router.delete("/{webhook_id}", status_code=204)
async def remove_webhook(webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove it with its secret and deliveries."""
    await service.remove_endpoint(session, actor=actor, endpoint_id=webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate")
async def rotate_webhook_secret(webhook_id: UUID, body: RotateIn, actor: SignedIn, session: WriteSession) -> SecretOut:
    """Give it another secret."""
    issued = await service.rotate_secret(session, actor=actor, endpoint_id=webhook_id, at_once=body.at_once)
    return SecretOut(id=webhook_id, secret=issued.secret)


@router.post("/{webhook_id}/switch-on", status_code=204)
async def switch_webhook_on(webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Tell it again of what happens from now on."""
    await service.switch_on(session, actor=actor, endpoint_id=webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/switch-off", status_code=204)
async def switch_webhook_off(webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send it nothing; what happens meanwhile can be sent again later."""
    await service.switch_off(session, actor=actor, endpoint_id=webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/ping", status_code=202)
async def ping_webhook(webhook_id: UUID, actor: SignedIn, session: WriteSession) -> DeliveryOut:
    """Send it something to try it."""
    made = await service.ping(session, actor=actor, endpoint_id=webhook_id)
    return _delivery(await service.delivery_for(session, actor=actor, endpoint_id=webhook_id, delivery_id=made.id))


@router.get("/{webhook_id}/deliveries")
async def list_webhook_deliveries(
    webhook_id: UUID,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    state: DeliveryState | None = None,
) -> Page[DeliveryOut]:
    """What it was told lately, the newest first; with `state=dead`, what it does not have."""
    await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id)
    wanted = deliveries(webhook_id, state)
    return await fetch_page(session, wanted, NEWEST, paging, lambda row: _delivery(delivery_of(row)))


@router.get("/{webhook_id}/deliveries/{delivery_id}")
async def show_webhook_delivery(
    webhook_id: UUID, delivery_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> DeliveryOut:
    """One delivery and its last attempt."""
    return _delivery(await service.delivery_for(session, actor=actor, endpoint_id=webhook_id, delivery_id=delivery_id))


@router.post("/{webhook_id}/deliveries/send-again", status_code=202)
async def send_webhooks_again(webhook_id: UUID, actor: SignedIn, session: WriteSession) -> SentAgainOut:
    """Send every dead delivery again, each with the id it had."""
    return SentAgainOut(count=await service.send_again(session, actor=actor, endpoint_id=webhook_id))


@router.post("/{webhook_id}/deliveries/{delivery_id}/send-again", status_code=202)
async def send_webhook_again(
    webhook_id: UUID, delivery_id: UUID, actor: SignedIn, session: WriteSession
) -> SentAgainOut:
    """Send one delivery again, with the id it had."""
    count = await service.send_again(session, actor=actor, endpoint_id=webhook_id, delivery_id=delivery_id)
    return SentAgainOut(count=count)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _endpoint(endpoint: Endpoint) -> WebhookOut:
    return WebhookOut.model_validate(endpoint, from_attributes=True)


def _delivery(delivery: Delivery) -> DeliveryOut:
    known = {name: getattr(delivery, name) for name in DeliveryOut.model_fields if name != "webhook_id"}
    return DeliveryOut(webhook_id=message_id(delivery.id), **known)
