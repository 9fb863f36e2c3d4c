"""An administrator configures a sign-in provider, and a lecturer signs in by it: an independent one, really running."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from academe.identity.api import BreachedPasswords, set_password
from tests.journeys.conftest import BUILDER, NARROW, PASSWORD, WIDE, Site, in_own_loop, keep_screenshots, opened
from tests.support.browser import complaints_of
from tests.support.oidc import independent_provider, tell_user

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with independent_provider() as url:
        tell_user(url, "ada", email="lecturer@home.example", email_verified=True)
        yield url


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


def authorize(page: Page, subject: str) -> None:
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def configure(site: Site, page: Page, provider: str) -> None:
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/settings/providers")
    accessible(page)
    keep_screenshots(page, "providers-none")
    page.get_by_role("link", name="Add a provider").click()
    accessible(page)
    page.get_by_label("Name").fill("Campus sign-in")
    page.get_by_label("Issuer").fill(provider)
    page.get_by_label("Client id").fill("academe")
    page.get_by_label("Client secret").fill("sesame")
    page.get_by_label("Connect the account with their address").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Please say for which domains the provider may vouch.").first).to_be_visible()
    page.get_by_role("textbox", name="Domains").fill("home.example")
    page.get_by_label("Client secret").fill("sesame")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Try discovery").click()
    expect(page.get_by_text("The provider answers")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "provider")
    page.goto(f"{site.url}/settings/providers")
    expect(page.get_by_role("link", name="Campus sign-in")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "providers")


def test_sign_in_by_a_provider(site: Site, page: Page, browser: Browser, provider: str) -> None:
    in_own_loop(_let_administrator_in(site))
    complaints = complaints_of(page)
    configure(site, page, provider)
    with browser.new_context(viewport=WIDE) as context:
        lecturer = context.new_page()
        lecturer.goto(f"{site.url}/account")
        accessible(lecturer)
        keep_screenshots(lecturer, "sign-in-with-provider")
        lecturer.get_by_role("link", name="Campus sign-in").focus()
        lecturer.keyboard.press("Enter")
        authorize(lecturer, "somebody-else")
        expect(lecturer.get_by_role("heading", name="You are not known here by this sign-in")).to_be_visible()
        accessible(lecturer)
        keep_screenshots(lecturer, "provider-failed")
        lecturer.get_by_role("link", name="Back").click()
        lecturer.goto(f"{site.url}/sign-in?next=/account/security")
        lecturer.get_by_role("link", name="Campus sign-in").click()
        authorize(lecturer, "ada")
        expect(lecturer.get_by_text("connected").first).to_be_visible()
        accessible(lecturer)
        keep_screenshots(lecturer, "security-with-provider")
        lecturer.get_by_text("Disconnect …").click()
        lecturer.get_by_role("button", name="Disconnect", exact=True).click()
        expect(lecturer.get_by_role("link", name="Connect", exact=True)).to_be_visible()
    page.goto(f"{site.url}/account/security")
    page.get_by_role("link", name="Connect", exact=True).click()
    authorize(page, "the administrator")
    expect(page.get_by_role("heading", name="Is this you?")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "provider-connect")
    page.get_by_role("button", name="Yes, connect it").click()
    expect(page.get_by_text("Campus sign-in now signs you in.")).to_be_visible()
    # The provider's own page asks for a style from elsewhere, and answers of 4xx are part of the story.
    ours = [each for each in complaints if "status of 4" not in each and "jsdelivr" not in each]
    assert [each for each in ours if "ERR_" not in each] == []
