"""An administrator reads what was caught, and decides about what does not arrive."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import update

from academe.identity.api import BreachedPasswords, set_password
from academe.messaging.api import Notice, notify
from academe.messaging.mail.carrier import Carrier
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import MailMessage, UndeliverableAddress
from academe.messaging.types import MailStatus, NotificationKind
from academe.platform import clock
from academe.platform.actor import system_actor
from tests.journeys.conftest import (
    BUILDER,
    NARROW,
    PASSWORD,
    WIDE,
    Site,
    in_own_loop,
    keep_screenshots,
    opened,
)
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

SYSTEM = system_actor("journey")


async def _prepare(site: Site) -> None:
    """A letter that was caught, one that was refused and one in doubt."""
    person = site.home.people["student0"].id
    async with opened(site.settings) as database:
        async with database.transaction(BUILDER) as session:
            account = site.home.accounts["administrator"]
            await set_password(
                session, actor=BUILDER, account_id=account.id, password=PASSWORD, breached=BreachedPasswords()
            )
            body = "MATH101 2026A.\nThe mark is on your page."
            notice = Notice(NotificationKind.GRADE, "Your result of Assignment 1 is there", body, "/my-progress")
            await notify(session, actor=SYSTEM, notice=notice, receivers=[person])
        await Carrier(database, LetterWriter(site.settings), site.settings).carry_some()
        async with database.transaction(SYSTEM) as session:
            for status in (MailStatus.FAILED, MailStatus.UNKNOWN):
                notice = Notice(NotificationKind.TICKET, f"About {status}")
                await notify(session, actor=SYSTEM, notice=notice, receivers=[person])
                values = {
                    "status": status,
                    "reply": "550 5.1.1 no such mailbox",
                    "settle_at": clock.now() if status is MailStatus.UNKNOWN else None,
                }
                waiting = update(MailMessage).where(MailMessage.status == MailStatus.WAITING)
                await session.execute(waiting.values(**values))
            institution = site.home.institution.id
            session.add(UndeliverableAddress(institution_id=institution, address="gone@home.example", reply="550"))


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def test_caught_and_troubled_letters(site: Site, page: Page) -> None:
    in_own_loop(_prepare(site))
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.get_by_role("link", name="Mail", exact=True).click()
    expect(page.get_by_text("No mail server is configured")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "mail")
    page.get_by_role("link", name="Your result of Assignment 1 is there").click()
    letter = page.frame_locator("iframe")
    expect(letter.get_by_role("heading", name="Your result of Assignment 1 is there")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "letter")
    page.goto(f"{site.url}/mail/trouble")
    accessible(page)
    keep_screenshots(page, "mail-trouble")
    page.get_by_role("button", name="It arrived").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The letter counts as arrived.")).to_be_visible()
    page.get_by_role("button", name="Write to gone@home.example again").click()
    expect(page.get_by_text("The address is written to again.")).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("Everything arrives")).to_be_visible()
    assert complaints == []
