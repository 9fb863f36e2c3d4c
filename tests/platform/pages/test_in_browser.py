"""The gallery in a real browser: accessible, without complaints, in both themes, wide and narrow, with and without
scripts.
"""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import complaints_of, launched_browser, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of this file."""
    with launched_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(make_app: Callable[..., FastAPI]) -> Iterator[str]:
    """The gallery's address."""
    with served(make_app()) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A wide window with scripts."""
    with browser.new_context(viewport={"width": 1366, "height": 900}) as context:
        yield context.new_page()


def open_gallery(page: Page, address: str) -> None:
    page.goto(f"{address}/styleguide")
    expect(page.locator(".chart-canvas:has(canvas)")).to_have_count(7)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 768, 1366, 1600])
class TestLooks:
    def test_it_is_accessible_fits_and_breaks_no_rule(
        self, browser: Browser, address: str, scheme: str, width: int
    ) -> None:
        # The content security policy stays on: what it would block is what this test is about.
        with browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        ) as context:
            page = context.new_page()
            complaints = complaints_of(page)
            open_gallery(page, address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            result = Axe().run(page)
            assert result.violations_count == 0, result.generate_report()
            assert complaints == []


class TestWithScripts:
    def test_sorting_and_filtering_replace_the_table_alone(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.evaluate("window.stillHere = true")
        page.get_by_role("link", name="Student", exact=True).click()
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("Student")
        page.get_by_label("Find a student by number").fill("302")
        expect(page.locator("#sample-students tbody tr")).to_have_count(1)
        expect(page.locator("th[aria-sort=ascending]")).to_have_text("Student")
        expect(page.locator("#announcer")).to_have_text("1 of 1")
        assert page.evaluate("window.stillHere") is True
        page.go_back()
        expect(page.locator("#sample-students tbody tr")).to_have_count(5)

    def test_actions_wait_for_a_selection(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        action = page.get_by_role("button", name="Write to them")
        expect(action).to_be_disabled()
        page.get_by_label("Select all rows on this page").check()
        expect(page.get_by_text("5 selected")).to_be_visible()
        expect(action).to_be_enabled()

    def test_a_dialog_takes_the_focus_and_gives_it_back(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        opener = page.get_by_role("button", name="Open a dialog")
        opener.press("Space")
        dialog = page.get_by_role("dialog", name="Note about a student")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()

    def test_errors_of_a_form_get_the_focus(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.get_by_label("Name").first.fill("x")
        page.get_by_role("button", name="Save", exact=True).first.click()
        expect(page.locator("[data-error-summary]")).to_be_focused()

    def test_a_message_can_be_closed(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.get_by_role("form", name="Show a toast").get_by_role("button", name="Error").click()
        message = page.locator("#toasts .toast")
        expect(message).to_contain_text("This is how a message looks after a redirect.")
        message.get_by_role("button", name="Close this message").click()
        expect(message).to_have_count(0)

    def test_progress_goes_on_by_itself(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        expect(page.locator("#sample-progress")).to_contain_text("Step 2 of 12", timeout=5000)

    def test_the_theme_is_kept_and_there_before_the_page(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        switch = page.get_by_role("button", name="Colour theme: as the system. Change")
        switch.click()
        page.get_by_role("button", name="Colour theme: light. Change").click()
        page.reload(wait_until="commit")
        page.wait_for_selector("main", state="attached")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"

    def test_the_slider_says_where_it_is(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.get_by_label("As of").press("ArrowRight")
        expect(page.locator("output")).to_have_text("week 9")
        page.wait_for_url("**/styleguide?band=&week=9")

    def test_a_menu_closes_on_escape(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.locator(".user-button").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Sign out")).to_be_hidden()

    def test_the_first_key_leads_to_the_content(self, page: Page, address: str) -> None:
        open_gallery(page, address)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()


class TestWithoutScripts:
    def test_everything_is_within_reach(self, browser: Browser, address: str) -> None:
        with browser.new_context(viewport={"width": 375, "height": 800}, java_script_enabled=False) as context:
            page = context.new_page()
            page.goto(f"{address}/styleguide")
            page.get_by_label("Navigation", exact=True).click()
            expect(page.get_by_role("link", name="My students").first).to_be_visible()
            page.goto(f"{address}/styleguide#sample-dialog")
            expect(page.get_by_role("dialog", name="Note about a student")).to_be_visible()
            page.goto(f"{address}/styleguide")
            expect(page.get_by_role("table", name="Weekly activity against the cohort")).to_be_visible()
            page.get_by_label("Risk", exact=True).select_option("critical")
            page.get_by_role("button", name="Apply").click()
            expect(page.locator("#sample-students tbody tr")).to_have_count(1)
