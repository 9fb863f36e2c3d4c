"""Pages of senders: the list, one of them, the form to add one, and the page that tells a secret once.

A secret is the answer to the POST that made it: a redirect would have to carry it in an address or a cookie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.senders import policy
from academe.lrs.senders.access import institution_to_manage, sender_for, senders_for
from academe.lrs.senders.forms import SenderForm
from academe.lrs.senders.queries import BY_NAME, ListedSender, SenderState, listed, listed_of
from academe.lrs.senders.scopes import DEFAULT_SCOPES, in_order
from academe.lrs.senders.service import Issued, create_sender, revoke_sender, rotate_secret
from academe.lrs.senders.types import Scope
from academe.platform.actor import Actor
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render
from academe.platform.settings import Settings

router = page_router("/lrs/senders")

NAVIGATION: Final = (
    NavigationEntry("Senders", "/lrs/senders", "send", visible=policy.can_see_senders, section="Learning records"),
)

SCOPE_MEANINGS: Final = (
    (Scope.WRITE_STATEMENTS, "Send statements", ""),
    (Scope.READ_OWN_STATEMENTS, "Read the statements it has sent", ""),
    (Scope.READ_STATEMENTS, "Read every statement", "of every sender of the institution"),
    (Scope.STATE, "Read and write states", "where learners left off"),
    (Scope.DEFINE, "Define activities", "names and descriptions that others see"),
    (Scope.PROFILE, "Read and write profiles", "documents of activities and learners"),
    (Scope.READ_ALL, "Read everything", "statements, states and profiles"),
    (Scope.ALL, "Do everything", "all of the above"),
)
"""What each scope allows, for whoever chooses."""

_TONES: Final = {SenderState.ACTIVE: "good", SenderState.EXPIRED: "warn", SenderState.REVOKED: "neutral"}
_COLUMNS: Final = (
    Column("name", "Sender"),
    Column("state", "State"),
    Column("scopes", "May", hide_below="lg"),
    Column("used", "Last used", hide_below="sm"),
)


_FIELDS: Final = {"expires_at": "expires_on"}
"""Fields of the form for what the verb calls otherwise."""


@dataclass(frozen=True, slots=True)
class ShownSender:
    """A sender with its words: what it may and how it stands."""

    sender: ListedSender

    @property
    def href(self) -> str:
        """Its page."""
        return f"/lrs/senders/{self.sender.id}"

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _TONES[self.sender.state]

    @property
    def may(self) -> Sequence[str]:
        """What its scopes allow, in words."""
        return [words for scope, words, _ in SCOPE_MEANINGS if scope in self.sender.scopes]


@dataclass(frozen=True, slots=True)
class SendersPage:
    """The senders that the actor may see."""

    table: TableView[ShownSender]
    can_add: bool
    endpoint: str


@dataclass(frozen=True, slots=True)
class SenderPage:
    """One sender; `can_change` whether the actor may rotate and revoke it."""

    shown: ShownSender
    can_change: bool
    endpoint: str


@dataclass(frozen=True, slots=True)
class AddSenderPage:
    """The form; `institutions` are those to choose from, where there are several."""

    form: FormView
    scopes: Sequence[tuple[str, str, str]]
    institutions: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SecretPage:
    """A sender with its secret, once."""

    shown: ShownSender
    secret: str
    endpoint: str
    is_new: bool


@router.get("")
async def list_senders(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The senders by name."""
    page = await fetch_page(session, senders_for(actor), BY_NAME, paging, lambda row: ShownSender(listed(row)))
    table = TableView(
        "senders",
        request.url,
        _COLUMNS,
        page.items,
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )
    shown = SendersPage(table, bool(policy.institutions_of(actor, *policy.MANAGING)), _endpoint(request))
    return render(request, "lrs/senders.html", shown, block="senders")


@router.get("/add")
async def show_form(request: Request, actor: SignedIn) -> Response:
    """The form to add a sender."""
    return _form_page(request, actor, FormView({"scopes": in_order(DEFAULT_SCOPES)}))


@router.post("/add")
async def add_sender(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Add a sender and tell its secret."""
    parsed = parse_form(SenderForm, await request.form())
    if parsed.data is None:
        return _form_page(request, actor, parsed.view, 422)
    form = parsed.data
    settings: Settings = request.app.state.settings
    try:
        issued = await create_sender(
            session,
            actor=actor,
            name=form.name,
            home_page=settings.public_url,
            scopes=form.scopes,
            institution_id=institution_to_manage(actor, form.institution_id),
            key=form.key,
            expires_at=form.expires_at,
        )
    except (InvalidInputError, ConflictError) as error:
        faults = [FieldError(_FIELDS.get(fault.field, fault.field), fault.message) for fault in error.errors]
        return _form_page(request, actor, parsed.view.with_errors(faults), error.status)
    return _secret_page(request, issued, is_new=True)


@router.get("/{sender_id}")
async def show_sender(request: Request, sender_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One sender, and what can be done with it."""
    sender = await sender_for(session, actor=actor, sender_id=sender_id)
    can_change = sender.revoked_at is None and policy.can_manage(actor, sender.institution_id)
    return render(request, "lrs/sender.html", SenderPage(ShownSender(sender), can_change, _endpoint(request)))


@router.post("/{sender_id}/revoke")
async def revoke(request: Request, sender_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Let a program send no more."""
    sender = await revoke_sender(session, actor=actor, sender_id=sender_id)
    return redirect(request, f"/lrs/senders/{sender.id}", f"{sender.name} is revoked.")


@router.post("/{sender_id}/rotate")
async def rotate(request: Request, sender_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Give a sender another secret, and tell it."""
    return _secret_page(request, await rotate_secret(session, actor=actor, sender_id=sender_id), is_new=False)


def _endpoint(request: Request) -> str:
    settings: Settings = request.app.state.settings
    return f"{settings.public_url.rstrip('/')}/xapi"


def _form_page(request: Request, actor: Actor, form: FormView, status: int = 200) -> Response:
    managed = sorted(policy.institutions_of(actor, *policy.MANAGING))
    policy.require(bool(managed), actor, policy.MANAGERS_ONLY)
    several = [(str(each), str(each)) for each in managed] if len(managed) > 1 else []
    page = AddSenderPage(form, [(scope.value, words, note) for scope, words, note in SCOPE_MEANINGS], several)
    return render(request, "lrs/sender_form.html", page, status=status)


def _secret_page(request: Request, issued: Issued, *, is_new: bool) -> Response:
    shown = ShownSender(listed_of(issued.sender))
    page = SecretPage(shown, issued.secret, _endpoint(request), is_new)
    return render(request, "lrs/sender_secret.html", page, status=201 if is_new else 200)
