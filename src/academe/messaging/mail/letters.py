"""What a letter looks like: a subject, text and HTML from templates, and the headers that mail programs act on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from academe.identity.api import LinkSigner
from academe.messaging.mail.unsubscribing import DAILY, UnsubscribeSigner, Unsubscribing, may_unsubscribe
from academe.messaging.types import MailTemplate
from academe.platform.settings import Settings

PRODUCT: Final = "Academe"
# The letter in its frame: nothing is loaded, nothing runs, and its links open nowhere but in a new tab.
LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

_POLICY: Final = SMTP.clone(cte_type="7bit")  # every server takes seven bits, whatever it says of eight

_WHY: Final = {
    MailTemplate.NOTIFICATION: "You get this letter because it concerns you.",
    MailTemplate.DIGEST: "This is your daily letter.",
    MailTemplate.SIGN_IN_LINK: "You get this letter because your address was typed in where people sign in.",
}

_LINK_TEXT: Final = (
    "With this link you sign in once, or choose a new password. It is good for twenty minutes from when it was asked.",
    "If it was not you who asked, do nothing. Do not pass it on: whoever opens it gets into your account.",
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is told; `href` is a whole address or empty."""

    title: str
    href: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What the templates of a letter see."""

    subject: str
    paragraphs: Sequence[str]
    items: Sequence[Item]
    more: int
    why: str
    preferences_href: str
    unsubscribe_href: str
    html: Markup


class LetterWriter:
    """Writes the letters of one installation."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.public_url.rstrip("/")
        self.domain = urlsplit(settings.public_url).hostname or "localhost"
        self.sender = settings.mail_from or f"no-reply@{self.domain}"
        self.return_address = settings.mail_return_address or self.sender
        self._links = LinkSigner(settings.signing_key)
        self._signer = UnsubscribeSigner(settings.signing_key)
        self._templates = Environment(
            loader=PackageLoader("academe.messaging.mail", "stationery"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            cache_size=-1,
        )

    def message_id(self, token: str) -> str:
        """The Message-ID (RFC 5322, 3.6.4) of the letter with a token: the same however often it is written."""
        return f"<{token}@{self.domain}>"

    def token_of(self, message_id: str) -> str | None:
        """The token in a Message-ID of ours."""
        token, at, domain = message_id.strip().strip("<>").rpartition("@")
        return token if at and domain.lower() == self.domain.lower() else None

    def written(
        self,
        template: MailTemplate,
        content: Mapping[str, Any],
        wish: Unsubscribing,
        *,
        token: str,
        receiver: str,
        at: datetime,
    ) -> EmailMessage:
        """The letter to an address. `wish` is what its link to unsubscribe would say, if there may be one."""
        link = ""
        if template is not MailTemplate.SIGN_IN_LINK and may_unsubscribe(wish.what):
            link = f"{self._base}/unsubscribe/{self._signer.seal(wish)}"
        letter = self._letter(template, content, link)
        message = EmailMessage(policy=_POLICY)
        message["Subject"] = letter.subject
        message["From"] = f"{PRODUCT} <{self.sender}>"
        message["To"] = receiver
        message["Date"] = format_datetime(at)
        message["Message-ID"] = self.message_id(token)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
        if link:
            message["List-Unsubscribe"] = f"<{link}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(self._templates.get_template(f"{template.value}.txt").render(letter=letter))
        html = self._templates.get_template(f"{template.value}.html").render(letter=letter)
        message.add_alternative(html, subtype="html")
        return message

    def _letter(self, template: MailTemplate, content: Mapping[str, Any], unsubscribe_href: str) -> Letter:
        html = ""
        if template is MailTemplate.DIGEST:
            items = [Item(one["title"], self._href(one["link"])) for one in content["items"]]
            total = int(content["total"])
            subject = "1 thing that concerns you" if total == 1 else f"{total} things that concern you"
            paragraphs: list[str] = []
        elif template is MailTemplate.SIGN_IN_LINK:
            token = self._links.seal(UUID(content["link_id"]))
            items, total = [Item("Sign in", self._href(f"/sign-in/link/{token}"))], 1
            subject, paragraphs = "Your link to sign in", list(_LINK_TEXT)
        else:
            link, href = content["link"], self._href(content["link"])
            items = [Item(content["title"], href)]
            subject, total = " ".join(content["title"].split()), 1
            # In the words of an institution, a link is the path that it has in the bell.
            body, html = (
                said.replace(link, href) if link else said for said in (content["body"], content.get("html", ""))
            )
            paragraphs = [one for one in body.splitlines() if one.strip()]
        return Letter(
            subject,
            paragraphs,
            items,
            total - len(items),
            _WHY[template],
            "" if template is MailTemplate.SIGN_IN_LINK else f"{self._base}/notifications/preferences",
            unsubscribe_href,
            Markup(html),  # noqa: S704 - it was cleaned where it was made
        )

    def _href(self, link: str) -> str:
        return f"{self._base}{link}" if link else ""


def wish_of(person_id: Any, kind: str | None) -> Unsubscribing:
    """What the link of a letter says: no more of its kind, or no more daily letters."""
    return Unsubscribing(person_id, kind or DAILY)
