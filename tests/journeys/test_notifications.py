"""A student is told, live, in every tab; by keyboard, narrow, and without scripts."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from academe.academics.api import enrol_student
from academe.messaging.api import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from tests.journeys.conftest import NARROW, WIDE, Site, in_own_loop, keep_screenshots, opened, without_scripts
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

SYSTEM = system_actor("journey")


async def _enrol(site: Site) -> None:
    registrar = site.home.actor("registrar")
    async with opened(site.settings) as database, database.transaction(registrar) as session:
        offering = site.home.other_offering.id
        await enrol_student(session, actor=registrar, offering_id=offering, student_number="10000")


async def _tell(site: Site, *notices: Notice) -> None:
    async with opened(site.settings) as database, database.transaction(SYSTEM) as session:
        for notice in notices:
            await notify(session, actor=SYSTEM, notice=notice, receivers=[site.home.people["student0"].id])


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def test_an_enrolment_reaches_the_bell_of_every_tab_without_reload(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "student0")
    page.goto(f"{site.url}/notifications")
    other = page.context.new_page()
    other.goto(f"{site.url}/my-progress")
    expect(page.get_by_text("You are up to date")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "notifications-none")
    in_own_loop(_enrol(site))
    site.run_jobs()
    for tab in (page, other):
        expect(tab.get_by_role("link", name="Notifications, 1 unread")).to_be_visible()
    expect(page.get_by_text("You are enrolled in HIST101 2026A")).to_be_visible()
    other.close()
    # Whichever tab held the stream: another one goes on.
    in_own_loop(_tell(site, Notice(NotificationKind.SYSTEM, "One more thing", "In two\nlines.")))
    expect(page.get_by_role("link", name="Notifications, 2 unread")).to_be_visible()
    expect(page.locator(".notice")).to_have_count(2)
    accessible(page)
    keep_screenshots(page, "notifications")
    page.get_by_role("button", name="Open: You are enrolled").click()
    expect(page).to_have_url(re.compile("/my-progress"))
    expect(page.get_by_role("link", name="Notifications, 1 unread")).to_be_visible()
    assert complaints == []


def test_by_keyboard(site: Site, page: Page) -> None:
    in_own_loop(_tell(site, Notice(NotificationKind.SYSTEM, "A thing")))
    site.sign_in(page, "student0")
    page.get_by_role("link", name="Notifications, 1 unread").focus()
    page.keyboard.press("Enter")
    mark = page.get_by_role("button", name="Mark as read: A thing")
    mark.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Mark as unread: A thing")).to_be_visible()
    page.get_by_role("link", name="Preferences").click()
    accessible(page)
    keep_screenshots(page, "notification-preferences")
    events = page.get_by_role("checkbox", name="Events")
    events.focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Keep", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your choice is kept.")).to_be_visible()
    expect(events).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Fees")).to_be_disabled()


def test_without_scripts(site: Site, browser: Browser) -> None:
    in_own_loop(_tell(site, *(Notice(NotificationKind.EVENT, f"Event {number}") for number in range(60))))
    with without_scripts(browser) as page:
        site.sign_in(page, "student0")
        page.get_by_role("link", name="Notifications").click()
        expect(page.locator(".notice")).to_have_count(50)
        page.get_by_role("link", name="Next").click()
        expect(page.locator(".notice")).to_have_count(10)
        page.get_by_role("button", name="Mark all as read").click()
        page.get_by_label("State").select_option("1")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("No notification matches the filters.")).to_be_visible()


def test_the_stream_ends_at_sign_out(site: Site, page: Page) -> None:
    site.sign_in(page, "student0")
    page.get_by_label(re.compile("Your account")).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert page.request.get(f"{site.url}/notifications/stream", max_redirects=0).status == 401
