"""An administrator lets statements go on to another store and looks after what it will not have."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from academe.app import create_app
from academe.identity.api import BreachedPasswords, set_password
from academe.lrs.forwarding.models import XapiForward
from academe.lrs.forwarding.runner import take_turn
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from tests.journeys.conftest import (
    BUILDER,
    NARROW,
    PASSWORD,
    WIDE,
    Site,
    in_own_loop,
    keep_screenshots,
    opened,
    without_scripts,
)
from tests.lrs.forwarding.stores import There, secret_in, statement
from tests.support.browser import complaints_of, served
from tests.support.databases import ServerOfTests

pytestmark = pytest.mark.browser


@pytest.fixture
def there(server: ServerOfTests, worker_id: str) -> Iterator[There]:
    """Another Academe, with a sender for us."""
    name = f"academe_journey_{worker_id}_there"
    settings = server.clone(name)
    secret = secret_in(settings, "forward")
    with served(create_app(settings)) as url:
        yield There(f"{url}/xapi", "forward", secret)
    server.drop(name)


async def _prepare(site: Site) -> tuple[str, str]:
    """Let the administrator sign in and a program send; returns its key and secret."""
    async with opened(site.settings) as database, database.transaction(BUILDER) as session:
        account = site.home.accounts["administrator"]
        await set_password(
            session, actor=BUILDER, account_id=account.id, password=PASSWORD, breached=BreachedPasswords()
        )
        institution = site.home.institution.id
        issued = await create_sender(
            session,
            actor=BUILDER,
            name="Moodle",
            key="moodle",
            home_page=site.url,
            scopes=frozenset({Scope.ALL}),
            institution_id=institution,
        )
        return issued.sender.key, issued.secret


def send(address: str, auth: tuple[str, str], *statements: dict[str, Any]) -> None:
    """What a program sends."""
    headers = {"X-Experience-API-Version": "2.0.0"}
    answer = httpx.post(f"{address}/statements", json=list(statements), auth=auth, headers=headers)
    assert answer.status_code == 200, answer.text


def forward(site: Site) -> None:
    """Let the one forward do what it can now, as the worker would."""

    async def work() -> None:
        async with opened(site.settings) as database:
            async with database.transaction(BUILDER) as session:
                id_ = (await session.execute(select(XapiForward.id))).scalar_one()
            assert await take_turn(database, id_)

    in_own_loop(work())


def break_credentials(site: Site) -> None:
    """Somebody has changed the secret at the other store and not told us."""

    async def work() -> None:
        async with opened(site.settings) as database, database.transaction(BUILDER) as session:
            (await session.execute(select(XapiForward))).scalar_one().secret = "no longer valid"

    in_own_loop(work())


def seen(page: Page, name: str) -> None:
    """Nothing that axe finds, wide and narrow, and nothing that must be scrolled sideways; kept for people."""
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
    keep_screenshots(page, name)


def fill(page: Page, there: There) -> None:
    page.get_by_label("Name", exact=True).fill("Research warehouse")
    page.get_by_label("Version").select_option("2.0")
    page.get_by_label("Address").fill(there.endpoint)
    page.get_by_label("Key").fill(there.key)
    page.get_by_label("Secret").fill(there.secret)
    page.get_by_label("Everything that is stored").check()


def test_a_forward_is_added_and_statements_go_on(site: Site, page: Page, there: There) -> None:
    auth = in_own_loop(_prepare(site))
    send(f"{site.url}/xapi", auth, *(statement(number) for number in range(30)))
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.get_by_role("link", name="Forwarding", exact=True).click()
    expect(page.get_by_text("Nothing is forwarded")).to_be_visible()
    seen(page, "forwards-none")
    page.get_by_role("link", name="Add a forward").click()
    seen(page, "forward-form")
    fill(page, there)
    page.get_by_label("Verbs").fill("completed")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("completed: Please give the whole IRI").first).to_be_visible()
    seen(page, "forward-form-wrong")
    page.get_by_label("Verbs").fill("")
    page.get_by_label("Secret").fill(there.secret)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Research warehouse")
    expect(page.locator("#figures")).to_contain_text("30 statements to look at")
    seen(page, "forward-new")
    forward(site)
    # The page asks every five seconds.
    expect(page.locator("#figures")).to_contain_text("up to date", timeout=15_000)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Somebody has paused it.")).to_be_visible()
    seen(page, "forward-paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("link", name="Forwarding", exact=True).first.click()
    expect(page.get_by_role("row", name="Research warehouse")).to_contain_text("Active")
    seen(page, "forwards")
    # The wrong form is answered with 422, which the browser notes.
    assert [each for each in complaints if "422" not in each] == []


def test_what_is_refused_is_looked_after(site: Site, page: Page, there: There) -> None:
    auth = in_own_loop(_prepare(site))
    sent = [statement(number) for number in range(30)]
    send(f"{site.url}/xapi", auth, *sent)
    # The other store has another statement of the seventh's id.
    send(there.endpoint, (there.key, there.secret), {**sent[7], "result": {"success": False}})
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/lrs/forwards/add")
    fill(page, there)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Research warehouse")
    forward(site)
    page.reload()
    letters = page.locator("#letters")
    expect(letters).to_contain_text("The other store has another statement of this id.")
    expect(letters).to_contain_text(sent[7]["id"])
    seen(page, "forward-letters")
    letters.get_by_role("button", name="Send again").click()
    expect(letters).to_contain_text("will be sent again")
    forward(site)
    page.reload()
    expect(letters).not_to_contain_text("will be sent again")
    letters.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("The other store has taken everything.")).to_be_visible()
    # Gone for good: what fails is told with what can be done about it.
    break_credentials(site)
    send(f"{site.url}/xapi", auth, statement(31))
    forward(site)
    expect(page.get_by_text("The other store does not accept its credentials.")).to_be_visible(timeout=15_000)
    # The page has loaded itself anew: what can be done is there, too.
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    seen(page, "forward-stopped")
    page.get_by_role("button", name="Skip one").click()
    page.get_by_role("button", name="Skip it").click()
    expect(letters).to_contain_text("Somebody has skipped it.")
    assert complaints == []


def test_it_works_without_scripts(site: Site, browser: Browser, there: There) -> None:
    in_own_loop(_prepare(site))
    with without_scripts(browser) as page:
        site.sign_in(page, "administrator")
        page.goto(f"{site.url}/lrs/forwards/add")
        fill(page, there)
        page.get_by_role("button", name="Add", exact=True).click()
        page.get_by_role("link", name="Change").click()
        page.get_by_label("Name", exact=True).fill("Warehouse")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Warehouse")
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("Somebody has paused it.")).to_be_visible()
