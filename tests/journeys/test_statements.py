"""An administrator watches the store while a program sends."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from academe.identity.api import BreachedPasswords, set_password
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope
from tests.journeys.conftest import (
    BUILDER,
    PASSWORD,
    Site,
    in_own_loop,
    keep_screenshots,
    opened,
    without_scripts,
)
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

VERBS = ("completed", "answered", "experienced", "passed", "attempted")


async def _prepare(site: Site) -> tuple[str, str]:
    """Let the administrator sign in and a program send; returns its key and secret."""
    async with opened(site.settings) as database, database.transaction(BUILDER) as session:
        account = site.home.accounts["administrator"]
        await set_password(
            session, actor=BUILDER, account_id=account.id, password=PASSWORD, breached=BreachedPasswords()
        )
        issued = await create_sender(
            session,
            actor=BUILDER,
            name="Moodle",
            key="moodle",
            home_page=site.url,
            scopes=frozenset({Scope.ALL}),
            institution_id=site.home.institution.id,
        )
        return issued.sender.key, issued.secret


def a_statement(number: int, name: str) -> dict[str, Any]:
    """Somebody did something with one of seven quizzes."""
    verb = VERBS[number % len(VERBS)]
    return {
        "id": str(uuid4()),
        "actor": {"account": {"homePage": "https://campus.example.edu", "name": f"{number}"}, "name": name},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}", "display": {"en": verb}},
        "object": {
            "id": f"https://campus.example.edu/quiz/{number % 7}",
            "definition": {"name": {"en": f"Quiz {number % 7} on the conservation of energy"}},
        },
        "result": {"score": {"raw": number % 11, "max": 10}, "success": number % 2 == 0},
        "context": {"platform": "Moodle", "contextActivities": {"grouping": [{"id": "https://campus.example.edu/c"}]}},
    }


def send(site: Site, auth: tuple[str, str], *statements: dict[str, Any], version: str = "2.0.0") -> httpx.Response:
    """What a program sends."""
    headers = {"X-Experience-API-Version": version}
    return httpx.post(f"{site.url}/xapi/statements", json=list(statements), auth=auth, headers=headers)


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def test_statements_appear_while_somebody_watches(site: Site, page: Page) -> None:
    auth = in_own_loop(_prepare(site))
    assert send(site, auth, *(a_statement(number, f"Student {number}") for number in range(60))).status_code == 200
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.get_by_role("link", name="Statements", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(50)
    accessible(page)
    keep_screenshots(page, "statements")
    send(site, auth, a_statement(1, "Student who came later"))
    expect(page.get_by_text("Student who came later")).to_be_visible()
    page.get_by_role("link", name="Pause").click()
    expect(page.get_by_text("The list stands still.")).to_be_visible()
    page.get_by_label("Who", exact=True).fill("https://campus.example.edu|7")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("live=0"))
    page.get_by_label("Verb", exact=True).fill("nothing")
    page.get_by_label("Verb", exact=True).press("Enter")
    expect(page.get_by_text("Verb: Please give the whole IRI")).to_be_visible()
    page.get_by_label("Verb", exact=True).fill("http://adlnet.gov/expapi/verbs/experienced")
    page.get_by_label("Verb", exact=True).press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr th a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Student 7 experienced Quiz 0")
    accessible(page)
    keep_screenshots(page, "statement")
    # The wrong filter is answered with 422, which the browser notes.
    assert [each for each in complaints if "422" not in each] == []


def test_the_store_shows_who_sends(site: Site, page: Page) -> None:
    auth = in_own_loop(_prepare(site))
    assert send(site, auth, *(a_statement(number, f"Student {number}") for number in range(60))).status_code == 200
    assert send(site, auth, {"id": "no statement"}).status_code == 400
    assert send(site, ("moodle", "x" * 43), a_statement(1, "Nobody")).status_code == 401
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/lrs")
    # The server writes its counts five seconds after it began, and the page asks every five.
    row = page.locator("#figures tr", has=page.get_by_role("link", name="Moodle"))
    expect(row).to_contain_text("60", timeout=15_000)
    expect(page.get_by_text("No valid credentials")).to_be_visible()
    page.reload()
    accessible(page)
    keep_screenshots(page, "store")
    assert complaints == []


def test_both_work_without_scripts(site: Site, browser: Browser) -> None:
    auth = in_own_loop(_prepare(site))
    send(site, auth, *(a_statement(number, f"Student {number}") for number in range(60)))
    with without_scripts(browser) as page:
        site.sign_in(page, "administrator")
        page.goto(f"{site.url}/lrs/statements")
        page.get_by_role("link", name="Next").click()
        expect(page.locator("tbody tr")).to_have_count(10)
        page.get_by_label("Activity").fill("https://campus.example.edu/quiz/3")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("tbody tr")).to_have_count(9)
        page.goto(f"{site.url}/lrs")
        expect(page.get_by_role("link", name="Pause")).to_be_visible()
        page.locator("summary", has_text="Show the numbers").nth(1).click()
        expect(page.get_by_role("row", name=re.compile("answered"))).to_be_visible()
