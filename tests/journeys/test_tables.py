"""An administrator edits one row of a table and then several, and sees why another table is not edited by hand."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import NARROW, WIDE, Site, keep_screenshots, without_scripts
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def seen(page: Page, name: str) -> None:
    """Nothing that axe finds, wide and narrow; kept for people."""
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, f"{page.url} {size}: {result.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
    keep_screenshots(page, name)


def test_rows_are_edited_one_and_several(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/tables/student_record")
    page.get_by_text("By column").click()
    page.get_by_label("Number").fill("1000")
    page.get_by_label("Number").press("Enter")
    expect(page.get_by_role("row")).to_have_count(7)
    seen(page, "table")

    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    page.get_by_role("link", name="Edit").click()
    seen(page, "table-edit")
    page.get_by_label("Cohort").fill("2027")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved: Cohort.")).to_be_visible()

    page.goto(f"{site.url}/tables/student_record?where.number=1000")
    for at in (0, 1, 2):
        page.locator("[data-select-row]").nth(at).check()
    page.get_by_label("Column to set").select_option("cohort")
    page.get_by_label("New value").fill("2028")
    page.get_by_role("button", name="Set…").click()
    expect(page.get_by_text("3 of 3 chosen rows would be changed")).to_be_visible()
    seen(page, "table-rows")
    page.get_by_role("button", name="Change them").click()
    expect(page.get_by_text("Set Cohort: 3 rows.")).to_be_visible()

    page.goto(f"{site.url}/tables/audit_entry")
    expect(page.get_by_text("What was recorded stays as it was recorded.")).to_be_visible()
    expect(page.locator("[data-select-row]")).to_have_count(0)
    assert complaints == []


def test_without_scripts(site: Site, browser: Browser) -> None:
    with without_scripts(browser) as page:
        site.sign_in(page, "administrator")
        page.goto(f"{site.url}/tables/term")
        page.locator("[data-select-row]").first.check()
        page.get_by_label("Column to set").select_option("title")
        page.get_by_label("New value").fill("Renamed")
        page.get_by_role("button", name="Set…").click()
        page.get_by_role("button", name="Change them").click()
        expect(page).to_have_url(re.compile(r"/tables/term$"))
        expect(page.get_by_text("Renamed").first).to_be_visible()
