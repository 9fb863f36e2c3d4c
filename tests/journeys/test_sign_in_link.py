"""Somebody who has forgotten their password asks for a link, reads the letter and chooses a new one."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from academe.messaging.mail.carrier import Carrier
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import CaughtMail
from academe.platform.actor import system_actor
from academe.worker import make_queue
from tests.journeys.conftest import NARROW, WIDE, Site, in_own_loop, keep_screenshots, opened
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

NEW = "five new and quiet words"


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


async def _read_letter(site: Site) -> str:
    """Do the worker's work; the path of the link in the letter that was caught."""
    async with opened(site.settings) as database:
        await make_queue(database).run(until_empty=True)
        await Carrier(database, LetterWriter(site.settings), site.settings).carry_some()
        async with database.transaction(system_actor("test")) as session:
            source: bytes = (await session.execute(select(CaughtMail.source))).scalar_one()
    found = re.search(r"/sign-in/link/[A-Za-z0-9_-]{64}", source.decode().replace("=\n", "").replace("=\r\n", ""))
    assert found is not None
    return found[0]


def test_a_forgotten_password(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    page.goto(f"{site.url}/sign-in")
    page.get_by_role("link", name="Sign in by e-mail, or choose a new password").click()
    accessible(page)
    keep_screenshots(page, "link-ask")
    page.get_by_label("E-mail address").fill("lecturer@home.example")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Look at your mail")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "link-asked")
    path = in_own_loop(_read_letter(site))
    page.goto(f"{site.url}{path}")
    accessible(page)
    keep_screenshots(page, "link")
    page.get_by_text("Choose a new password").focus()
    page.keyboard.press("Enter")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again").fill("short")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please choose 12 to 200 characters.").first).to_be_visible()
    keep_screenshots(page, "link-refused")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    page.goto(f"{site.url}{path}")
    expect(page.get_by_role("heading", name="This link is not valid any more")).to_be_visible()
    keep_screenshots(page, "link-over")
    # What the browser notes about answers of 4xx is their status; here they are part of the story.
    assert [each for each in complaints if "status of 4" not in each] == []
