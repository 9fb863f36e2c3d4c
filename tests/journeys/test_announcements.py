"""A lecturer announces something by keyboard, and a student of the class reads it."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import NARROW, WIDE, Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def test_from_the_lecturer_to_the_class(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "lecturer")
    page.get_by_role("link", name="Announcements", exact=True).click()
    accessible(page)
    page.get_by_role("link", name="New announcement").focus()
    page.keyboard.press("Enter")
    page.get_by_label("To", exact=True).select_option(label="Offering: MATH101 2026A")
    page.get_by_label("Title").fill("No lecture on Monday")
    page.get_by_label("Text").fill("The hall is being painted.\nRead chapter 3 instead.")
    accessible(page)
    keep_screenshots(page, "announcement-form")
    page.get_by_role("button", name="Announce").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Planned")).to_be_visible()
    site.run_jobs()
    page.reload()
    expect(page.get_by_text("302 people")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "announcement")
    with browser.new_context(viewport=WIDE) as context:
        student = context.new_page()
        site.sign_in(student, "student0")
        student.get_by_role("link", name=re.compile("Notifications, 1 unread")).click()
        expect(student.get_by_text("Read chapter 3 instead.")).to_be_visible()
        student.get_by_role("button", name=re.compile("Mark as read")).click()
        expect(student.get_by_role("button", name=re.compile("Mark as unread"))).to_be_visible()
    page.reload()
    expect(page.locator("dl div", has_text="Read by")).to_contain_text("1")
    page.goto(f"{site.url}/announcements")
    accessible(page)
    keep_screenshots(page, "announcements")
    assert complaints == []
