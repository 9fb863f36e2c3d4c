"""Somebody makes a token for a program and revokes it; an administrator adds a service account."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from academe.identity.api import BreachedPasswords, set_password
from tests.journeys.conftest import BUILDER, NARROW, PASSWORD, WIDE, Site, in_own_loop, keep_screenshots, opened
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


async def _let_administrator_in(site: Site) -> None:
    async with opened(site.settings) as database, database.transaction(BUILDER) as session:
        account_id = site.home.accounts["administrator"].id
        breached = BreachedPasswords()
        await set_password(session, actor=BUILDER, account_id=account_id, password=PASSWORD, breached=breached)


def me(site: Site, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return httpx.get(f"{site.url}/api/v1/me", headers=headers, trust_env=False).status_code


def test_a_token(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "lecturer")
    page.goto(f"{site.url}/account")
    page.get_by_role("link", name="See and make").click()
    expect(page.get_by_text("No tokens")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "tokens-none")
    page.get_by_label("Name").fill("Timetable")
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_text("This is shown once")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "token-once")
    token = page.locator("dd code").inner_text()
    assert me(site, token) == 200
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("rowheader", name="Timetable")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "tokens")
    page.get_by_text("Revoke …").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert me(site, token) == 401
    assert complaints == []


def test_a_service_account(site: Site, page: Page) -> None:
    in_own_loop(_let_administrator_in(site))
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/settings/service-accounts")
    accessible(page)
    page.get_by_label("Name").fill("Timetable")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Client secret")).to_be_visible()
    accessible(page)
    endpoint, client_id, secret = page.locator("dd code").all_inner_texts()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    given = httpx.post(endpoint, data=form, trust_env=False).json()
    assert me(site, given["access_token"]) == 200
    page.get_by_role("link", name="Done").click()
    accessible(page)
    keep_screenshots(page, "service-accounts")
    page.get_by_role("link", name="Timetable").click()
    expect(page.get_by_role("heading", name="Timetable")).to_be_visible()
    assert complaints == []
