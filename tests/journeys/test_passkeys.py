"""Somebody adds a passkey and signs in with it: a virtual authenticator of the browser plays the device."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import NARROW, PASSWORD, WIDE, Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def with_device(page: Page) -> None:
    """Give the tab a device that keeps passkeys and verifies its user at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def forget_session(page: Page) -> None:
    """Sign out without telling the server, on an empty page: an open one would go on asking, and be refused."""
    page.goto("about:blank")
    page.context.clear_cookies()


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def test_a_passkey_alone_and_after_the_password(site: Site, page: Page) -> None:
    # A passkey belongs to a host name; an address of numbers is none.
    site = Site(site.url.replace("127.0.0.1", "localhost"), site.settings, site.schools)
    complaints = complaints_of(page)
    with_device(page)
    site.sign_in(page, "lecturer")
    page.goto(f"{site.url}/account/security")
    page.get_by_label("Name of a new passkey").fill("My phone")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader", name="My phone")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "passkeys")
    forget_session(page)
    page.goto(f"{site.url}/sign-in?next=/account/security")
    accessible(page)
    keep_screenshots(page, "sign-in")
    page.get_by_role("button", name="Use a passkey").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="How you sign in")).to_be_visible()
    forget_session(page)
    page.goto(f"{site.url}/sign-in?next=/account/security")
    page.get_by_label("E-mail address").fill("lecturer@home.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your code")).to_be_visible()
    keep_screenshots(page, "code-or-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="How you sign in")).to_be_visible()
    page.get_by_role("button", name="Rename …").click()
    page.get_by_label("New name").fill("Old phone")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader", name="Old phone")).to_be_visible()
    page.get_by_role("button", name="Remove …").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("Your password alone opens your account.")).to_be_visible()
    assert not complaints, "\n".join(complaints)
