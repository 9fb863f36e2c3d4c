"""Somebody sets an authenticator app up and signs in with it, and with a recovery code when it is lost."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from academe.identity.second_factor.totp import code_at, step_of
from academe.platform import clock
from tests.journeys.conftest import NARROW, PASSWORD, WIDE, Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def show_password(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/sign-in?next=/account/security")
    page.get_by_label("E-mail address").fill("lecturer@home.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def set_up(site: Site, page: Page) -> tuple[str, list[str]]:
    """Set the app up by keyboard; returns its secret and the recovery codes."""
    page.goto(f"{site.url}/account")
    page.get_by_role("link", name="See and change").click()
    expect(page.get_by_text("Your password alone opens your account.")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "security-off")
    page.get_by_role("button", name="Set up an app").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="Picture for your app")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "app")
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(code_at(secret, step_of(clock.now())))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "recovery-codes")
    codes = page.locator(".recovery-codes code").all_inner_texts()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("You have 10 codes left.")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "security-on")
    return secret, codes


def test_password_and_app(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "lecturer")
    secret, codes = set_up(site, page)
    with browser.new_context(viewport=WIDE) as context:
        other = context.new_page()
        complaints_there = complaints_of(other)
        show_password(site, other)
        expect(other.get_by_role("heading", name="Your code")).to_be_visible()
        accessible(other)
        keep_screenshots(other, "code")
        # The code of the present step was spent on setting up; the next one is accepted already.
        other.get_by_role("textbox", name="Code").fill(code_at(secret, step_of(clock.now()) + 1))
        other.keyboard.press("Enter")
        expect(other.get_by_role("heading", name="How you sign in")).to_be_visible()
        assert complaints_there == []
    with browser.new_context(viewport=WIDE) as context:
        other = context.new_page()
        show_password(site, other)
        other.get_by_role("textbox", name="Code").fill(codes[0])
        other.keyboard.press("Enter")
        expect(other.get_by_text("You have 9 codes left.")).to_be_visible()
        other.get_by_role("button", name="Remove …").click()
        keep_screenshots(other, "remove-app")
        other.get_by_role("button", name="Remove", exact=True).click()
        expect(other.get_by_text("Your password alone opens your account.")).to_be_visible()
    assert complaints == []
