"""Pages of webhooks: the list, the form, an endpoint with what it was told, one delivery, and a secret told once.

A secret is the answer to the POST that made it: a redirect would have to carry it in an address or a cookie.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import institutions_to_administer
from academe.messaging.webhooks import service
from academe.messaging.webhooks.events import event_kinds
from academe.messaging.webhooks.forms import RotateForm, WebhookForm
from academe.messaging.webhooks.policy import can_manage_webhooks, institution_to_manage, managed_by, require_managing
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
from academe.messaging.webhooks.signing import message_id
from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform.actor import Actor
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render
from academe.platform.pages.filters import plural
from academe.platform.settings import Settings

LIST: Final = "/webhooks"
router = page_router(LIST)

NAVIGATION: Final = (NavigationEntry("Webhooks", LIST, "send", visible=can_manage_webhooks, section="Messages"),)

_TONES: Final = {"active": "good", "failing": "warn", "off": "neutral"}
_STATES: Final = {
    DeliveryState.WAITING: ("Waiting", "warn"),
    DeliveryState.DELIVERED: ("Delivered", "good"),
    DeliveryState.DEAD: ("Not delivered", "bad"),
}
_OFF: Final = {
    SwitchedOff.PERSON: "Somebody has switched it off.",
    SwitchedOff.FAILING: "Nothing has reached it for five days. Mend it, then switch it on.",
    SwitchedOff.GONE: "It has answered that it is gone for good (410).",
}
_COLUMNS: Final = (
    Column("name", "Webhook"),
    Column("state", "State"),
    Column("delivered", "Last delivery", hide_below="md"),
    Column("dead", "Not delivered", align="end", hide_below="sm"),
)
_DELIVERY_COLUMNS: Final = (
    Column("event", "Event"),
    Column("state", "State"),
    Column("answer", "Last answer", hide_below="sm"),
    Column("actions", "Actions", label_hidden=True),
)


@dataclass(frozen=True, slots=True)
class WebhooksPage:
    """The endpoints of an institution."""

    table: TableView[Endpoint]

    def tone(self, state: str) -> str:
        """The colour of a state."""
        return _TONES[state]


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery with its words."""

    delivery: Delivery

    @property
    def href(self) -> str:
        """Its page."""
        return f"{LIST}/{self.delivery.endpoint_id}/deliveries/{self.delivery.id}"

    @property
    def state(self) -> str:
        """Its state in words."""
        return _STATES[self.delivery.state][0]

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _STATES[self.delivery.state][1]

    @property
    def is_over(self) -> bool:
        """Whether it can be sent again."""
        return self.delivery.state is not DeliveryState.WAITING


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """One endpoint with what it was told."""

    endpoint: Endpoint
    table: TableView[DeliveryRow]
    state: str
    events: Sequence[tuple[str, str]]

    @property
    def href(self) -> str:
        """Its page."""
        return f"{LIST}/{self.endpoint.id}"

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _TONES[self.endpoint.state]

    @property
    def why_off(self) -> str:
        """Why it is sent nothing; empty when it is."""
        return _OFF[self.endpoint.switched_off] if self.endpoint.switched_off else ""

    @property
    def states(self) -> Sequence[tuple[str, str]]:
        """The choices of the filter."""
        return [("", "Everything"), *((state.value, words) for state, (words, _) in _STATES.items())]


@dataclass(frozen=True, slots=True)
class WebhookFormPage:
    """The form; `name` and `href` are of one that is changed, `institutions` those to choose from."""

    form: FormView
    events: Sequence[tuple[str, str, str]]
    institutions: Sequence[tuple[str, str]]
    name: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSecretPage:
    """A secret, once; `at_once` is whether the one before has ended."""

    name: str
    href: str
    secret: str
    is_new: bool
    at_once: bool


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One delivery: what was sent and what was answered last."""

    row: DeliveryRow
    endpoint: Endpoint

    @property
    def webhook_id(self) -> str:
        """What its receiver knows it by."""
        return message_id(self.row.delivery.id)

    @property
    def payload(self) -> str:
        """What is told, for people."""
        return json.dumps(self.row.delivery.data, indent=2, ensure_ascii=False)


@router.get("")
async def list_webhooks(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The endpoints by name."""
    require_managing(actor)
    found = await fetch_page(session, endpoints(managed_by(actor)), BY_NAME, paging, endpoint_of)
    table = TableView(
        "webhooks",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    return render(request, "messaging/webhooks.html", WebhooksPage(table), block="webhooks")


@router.get("/add")
async def show_add_form(request: Request, actor: SignedIn) -> Response:
    """The form to add an endpoint."""
    require_managing(actor)
    return _form_page(request, actor, FormView())


@router.post("/add")
async def add_webhook(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Add an endpoint and tell its secret."""
    require_managing(actor)
    parsed = parse_form(WebhookForm, await request.form())
    if parsed.data is None:
        return _form_page(request, actor, parsed.view, status=422)
    try:
        institution = institution_to_manage(actor, parsed.data.institution_id)
        issued = await service.add_endpoint(
            session, actor=actor, settings=_settings(request), wanted=parsed.data.wanted(), institution_id=institution
        )
    except InvalidInputError as error:
        return _form_page(request, actor, parsed.view.with_errors(error.errors), status=422)
    return _secret_page(request, issued, is_new=True, at_once=False)


@router.get("/{webhook_id}")
async def show_webhook(
    request: Request, webhook_id: UUID, actor: SignedIn, session: ReadOnlySession, paging: Paging, state: str = ""
) -> Response:
    """One endpoint, and what it was told lately; `?state=dead` shows what it does not have."""
    endpoint = await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id)
    chosen = DeliveryState(state) if state in set(DeliveryState) else None
    wanted = deliveries(webhook_id, chosen)
    found = await fetch_page(session, wanted, NEWEST, paging, lambda row: DeliveryRow(delivery_of(row)))
    table = TableView(
        "deliveries",
        request.url,
        _DELIVERY_COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    words = [(kind.name, kind.words) for kind in event_kinds() if kind.name in endpoint.events]
    page = WebhookPage(endpoint, table, chosen.value if chosen else "", words)
    return render(request, "messaging/webhook.html", page, block="deliveries")


@router.get("/{webhook_id}/edit")
async def show_edit_form(request: Request, webhook_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form to change an endpoint."""
    endpoint = await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id)
    values = {"name": endpoint.name, "url": endpoint.url, "events": endpoint.events}
    return _form_page(request, actor, FormView(values), endpoint)


@router.post("/{webhook_id}/edit")
async def change_webhook(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Change an endpoint."""
    endpoint = await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id)
    parsed = parse_form(WebhookForm, await request.form())
    if parsed.data is None:
        return _form_page(request, actor, parsed.view, endpoint, status=422)
    try:
        await service.change_endpoint(
            session, actor=actor, settings=_settings(request), endpoint_id=webhook_id, wanted=parsed.data.wanted()
        )
    except InvalidInputError as error:
        return _form_page(request, actor, parsed.view.with_errors(error.errors), endpoint, status=422)
    return redirect(request, f"{LIST}/{webhook_id}", "It holds from now on.")


@router.post("/{webhook_id}/rotate")
async def rotate_secret(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Give it another secret, and tell it."""
    form = parse_form(RotateForm, await request.form()).data or RotateForm()
    issued = await service.rotate_secret(session, actor=actor, endpoint_id=webhook_id, at_once=form.at_once)
    return _secret_page(request, issued, is_new=False, at_once=form.at_once)


@router.post("/{webhook_id}/switch-on")
async def switch_on(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Tell it again."""
    await service.switch_on(session, actor=actor, endpoint_id=webhook_id)
    return redirect(request, f"{LIST}/{webhook_id}", "It is switched on. What it missed is sent when you say so.")


@router.post("/{webhook_id}/switch-off")
async def switch_off(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send it nothing."""
    await service.switch_off(session, actor=actor, endpoint_id=webhook_id)
    return redirect(request, f"{LIST}/{webhook_id}", "It is switched off.")


@router.post("/{webhook_id}/ping")
async def ping(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Try it."""
    await service.ping(session, actor=actor, endpoint_id=webhook_id)
    return redirect(request, f"{LIST}/{webhook_id}", "A ping is on its way.")


@router.post("/{webhook_id}/remove")
async def remove_webhook(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Remove it."""
    await service.remove_endpoint(session, actor=actor, endpoint_id=webhook_id)
    return redirect(request, LIST, "The webhook is removed.")


@router.post("/{webhook_id}/send-again")
async def send_all_again(request: Request, webhook_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send every dead delivery again."""
    count = await service.send_again(session, actor=actor, endpoint_id=webhook_id)
    words = f"{plural(count, 'delivery', 'deliveries')} on the way again."
    return redirect(request, f"{LIST}/{webhook_id}", words)


@router.get("/{webhook_id}/deliveries/{delivery_id}")
async def show_delivery(
    request: Request, webhook_id: UUID, delivery_id: UUID, actor: SignedIn, session: ReadOnlySession
) -> Response:
    """One delivery."""
    endpoint = await service.endpoint_for(session, actor=actor, endpoint_id=webhook_id)
    found = await service.delivery_for(session, actor=actor, endpoint_id=webhook_id, delivery_id=delivery_id)
    return render(request, "messaging/webhook_delivery.html", DeliveryPage(DeliveryRow(found), endpoint))


@router.post("/{webhook_id}/deliveries/{delivery_id}/send-again")
async def send_again(
    request: Request, webhook_id: UUID, delivery_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Send one delivery again."""
    await service.send_again(session, actor=actor, endpoint_id=webhook_id, delivery_id=delivery_id)
    return redirect(request, f"{LIST}/{webhook_id}", "It is on its way again.")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _form_page(
    request: Request, actor: Actor, form: FormView, endpoint: Endpoint | None = None, *, status: int = 200
) -> Response:
    administered = [] if endpoint else institutions_to_administer(actor)
    several = [(str(each), str(each)) for each in administered] if len(administered) > 1 else []
    kinds = [(kind.name, kind.words, kind.name) for kind in event_kinds()]
    known: Mapping[str, str] = {"name": endpoint.name, "href": f"{LIST}/{endpoint.id}"} if endpoint else {}
    return render(request, "messaging/webhook_form.html", WebhookFormPage(form, kinds, several, **known), status=status)


def _secret_page(request: Request, issued: service.IssuedSecret, *, is_new: bool, at_once: bool) -> Response:
    endpoint = issued.endpoint
    page = WebhookSecretPage(endpoint.name, f"{LIST}/{endpoint.id}", issued.secret, is_new, at_once)
    return render(request, "messaging/webhook_secret.html", page, status=201 if is_new else 200)
