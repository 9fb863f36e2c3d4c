"""A registrar keeps a query and announces something to whom it finds."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import NARROW, WIDE, Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def seen(page: Page, name: str) -> None:
    """Nothing that axe finds, wide and narrow, and nothing that must be scrolled sideways; kept for people."""
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
    keep_screenshots(page, name)


def test_from_the_query_to_the_announcement(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "registrar")
    page.get_by_role("link", name="Queries", exact=True).click()
    expect(page.get_by_text("No queries yet")).to_be_visible()
    seen(page, "queries-none")
    page.get_by_role("link", name="New query").click()
    page.get_by_label("Name", exact=True).fill("Cohort 2026")
    page.get_by_label("Who study in").select_option(label=site.home.institution.name)
    page.get_by_label("Cohort").fill("2026")
    seen(page, "query-form")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("of cohort 2026")).to_be_visible()
    seen(page, "query")
    page.get_by_role("link", name="Announce something").click()
    expect(page.get_by_label("To", exact=True).locator("option:checked")).to_have_text("Query: Cohort 2026")
    page.get_by_label("Title").fill("Welcome")
    page.get_by_label("Text").fill("To the cohort of 2026.")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("Planned")).to_be_visible()
    site.run_jobs()
    page.reload()
    expect(page.locator("dl div", has_text="Told")).to_contain_text("6 people")
    assert complaints == []
