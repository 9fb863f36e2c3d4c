"""Pages of mail: what was caught in place of a server, what does not arrive, and the way to unsubscribe."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from academe.messaging.errors import AddressNotFoundError
from academe.messaging.mail.forms import AddressForm
from academe.messaging.mail.keeping import forgive_address, open_caught_letter, say_arrived, send_again
from academe.messaging.mail.letters import LETTER_POLICY
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.messaging.mail.policy import can_see_receivers, keeps_mail, kept_by, require_keeping
from academe.messaging.mail.queries import (
    NEWEST_CAUGHT,
    NEWEST_TROUBLE,
    ShownAddress,
    ShownCaught,
    ShownTrouble,
    caught,
    counts,
    shown_caught,
    shown_trouble,
    trouble,
    undeliverable,
)
from academe.messaging.mail.unsubscribing import DAILY, UnsubscribeSigner, may_unsubscribe
from academe.messaging.notifications.service import stop_letters
from academe.messaging.types import MailStatus, NotificationKind
from academe.platform.actor import system_actor
from academe.platform.http.dependencies import CurrentActor, ReadOnlySession, SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, NavigationEntry, TableView, parse_form, redirect, render
from academe.platform.settings import Settings

router = page_router()

NAVIGATION: Final = (NavigationEntry("Mail", "/mail", "mail", visible=keeps_mail, section="Messages"),)

UNSUBSCRIBER: Final = system_actor("unsubscribe by a link")

_TONES: Final = {MailStatus.UNKNOWN: "warn", MailStatus.FAILED: "bad", MailStatus.SUPPRESSED: "neutral"}
_WORDS: Final = {
    MailStatus.UNKNOWN: "In doubt",
    MailStatus.FAILED: "Refused",
    MailStatus.SUPPRESSED: "No address",
}
_CAUGHT_COLUMNS: Final = (
    Column("subject", "Subject"),
    Column("receiver", "To", hide_below="sm"),
    Column("at", "When"),
)
_TROUBLE_COLUMNS: Final = (
    Column("what", "Letter"),
    Column("state", "State"),
    Column("reply", "What the server said", hide_below="md"),
    Column("actions", "Actions", label_hidden=True),
)


@dataclass(frozen=True, slots=True)
class CaughtPage:
    """Letters in place of a server; `catches` is false where there is one."""

    table: TableView[ShownCaught]
    catches: bool
    waiting: int
    sent: int
    troubled: int


@dataclass(frozen=True, slots=True)
class LetterPage:
    """One caught letter, as text, as its source, and in HTML in a frame."""

    letter: ShownCaught
    text: str
    headers: Sequence[tuple[str, str]]

    @property
    def frame(self) -> str:
        """The address of its HTML."""
        return f"/mail/{self.letter.id}/html"


@dataclass(frozen=True, slots=True)
class TroubleRow:
    """A letter in trouble as its keeper may see it."""

    letter: ShownTrouble
    shows_receiver: bool

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _TONES[self.letter.status]

    @property
    def state(self) -> str:
        """Its state in words."""
        return _WORDS[self.letter.status]

    @property
    def what(self) -> str:
        """What kind of letter it is."""
        return self.letter.kind.value.capitalize() if self.letter.kind else "Daily letter"


@dataclass(frozen=True, slots=True)
class TroublePage:
    """What does not arrive, and addresses that are not written to."""

    table: TableView[TroubleRow]
    status: str
    addresses: Sequence[ShownAddress]

    @property
    def statuses(self) -> Sequence[tuple[str, str]]:
        """The choices of the filter."""
        return [("", "Everything"), *((status.value, words) for status, words in _WORDS.items())]


@dataclass(frozen=True, slots=True)
class UnsubscribePage:
    """What the link would stop, or has stopped."""

    what: str
    done: bool
    allowed: bool


@router.get("/mail")
async def show_caught(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """Letters that were caught, newest first."""
    require_keeping(actor)
    found = await fetch_page(session, caught(kept_by(actor, CaughtMail)), NEWEST_CAUGHT, paging, shown_caught)
    table = TableView(
        "caught",
        request.url,
        _CAUGHT_COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    stands = await counts(session, kept_by(actor, MailMessage))
    settings: Settings = request.app.state.settings
    waiting = sum(stands.get(each, 0) for each in (MailStatus.WAITING, MailStatus.CLAIMED, MailStatus.HANDING_OVER))
    page = CaughtPage(
        table,
        catches=not settings.smtp_host and not settings.is_production,
        waiting=waiting,
        sent=stands.get(MailStatus.SENT, 0),
        troubled=sum(stands.get(each, 0) for each in _WORDS),
    )
    return render(request, "messaging/mail.html", page, block="caught")


@router.get("/mail/trouble")
async def show_trouble(
    request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging, status: str = ""
) -> Response:
    """What does not arrive, newest first."""
    require_keeping(actor)
    chosen = MailStatus(status) if status in {each.value for each in _WORDS} else None
    found = await fetch_page(
        session,
        trouble(kept_by(actor, MailMessage), status=chosen),
        NEWEST_TROUBLE,
        paging,
        lambda row: TroubleRow(shown := shown_trouble(row), can_see_receivers(actor, shown.institution_id)),
    )
    table = TableView(
        "trouble",
        request.url,
        _TROUBLE_COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    bad = await undeliverable(session, kept_by(actor, UndeliverableAddress))
    shown = [each for each in bad if can_see_receivers(actor, each.institution_id)]
    page = TroublePage(table, chosen.value if chosen else "", shown)
    return render(request, "messaging/mail_trouble.html", page, block="trouble")


@router.post("/mail/addresses/forgive")
async def forgive(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Write to an address again."""
    form = parse_form(AddressForm, await request.form()).data
    if form is None:
        raise AddressNotFoundError
    await forgive_address(session, actor=actor, institution_id=form.institution_id, address=form.address)
    return redirect(request, "/mail/trouble", "The address is written to again.")


@router.get("/mail/{caught_id}")
async def show_letter(request: Request, caught_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """One caught letter; opening it leaves an entry in the audit."""
    row = await open_caught_letter(session, actor=actor, caught_id=caught_id)
    message = _parsed(row.source)
    text = message.get_body(("plain",))
    page = LetterPage(
        ShownCaught(row.id, row.receiver, row.subject, row.caught_at),
        text.get_content() if text else "",
        [(name, str(value)) for name, value in message.items()],
    )
    return render(request, "messaging/letter.html", page)


@router.get("/mail/{caught_id}/html")
async def show_letter_html(caught_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """The HTML of a caught letter, for its frame: it may load and run nothing."""
    row = await open_caught_letter(session, actor=actor, caught_id=caught_id)
    html = _parsed(row.source).get_body(("html",))
    headers = {"Content-Security-Policy": LETTER_POLICY, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return HTMLResponse(html.get_content() if html else "", headers=headers)


@router.post("/mail/{mail_id}/send-again")
async def again(request: Request, mail_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Send a letter in trouble again."""
    await send_again(session, actor=actor, mail_id=mail_id)
    return redirect(request, "/mail/trouble", "The letter is on its way again.")


@router.post("/mail/{mail_id}/arrived")
async def arrived(request: Request, mail_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Settle a doubt: it arrived."""
    await say_arrived(session, actor=actor, mail_id=mail_id)
    return redirect(request, "/mail/trouble", "The letter counts as arrived.")


@router.get("/unsubscribe/{token}")
async def ask_unsubscribe(request: Request, token: str, actor: CurrentActor) -> Response:  # noqa: ARG001 - whoever has the link
    """Ask before stopping: programs follow links in letters to look what is behind them."""
    wish = _signer(request).open(token)
    page = UnsubscribePage(_what(wish.what), done=False, allowed=may_unsubscribe(wish.what))
    return render(request, "messaging/unsubscribe.html", page)


@router.post("/unsubscribe/{token}")
async def unsubscribe(request: Request, token: str, actor: CurrentActor) -> Response:  # noqa: ARG001 - as above
    """Stop letters of the kind: by the button of the page, or by a mail program with one click (RFC 8058)."""
    wish = _signer(request).open(token)
    allowed = may_unsubscribe(wish.what)
    if allowed:
        kind = None if wish.what == DAILY else NotificationKind(wish.what)
        async with database_of(request).transaction(UNSUBSCRIBER) as session:
            await stop_letters(session, actor=UNSUBSCRIBER, person_id=wish.person_id, kind=kind)
    return render(request, "messaging/unsubscribe.html", UnsubscribePage(_what(wish.what), True, allowed))


def _signer(request: Request) -> UnsubscribeSigner:
    settings: Settings = request.app.state.settings
    return UnsubscribeSigner(settings.signing_key)


def _what(what: str) -> str:
    return "the daily letter" if what == DAILY else f"letters about: {what}"


def _parsed(source: bytes) -> EmailMessage:
    message: EmailMessage = BytesParser(policy=default).parsebytes(source)
    return message
