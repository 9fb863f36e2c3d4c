"""A lecturer opens the record of somebody else's student in an emergency; an auditor reviews it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def test_a_record_is_opened_in_an_emergency_and_reviewed(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    student = site.home.people["student0"]
    site.sign_in(page, "colleague")
    page.goto(f"{site.url}/people/{student.id}")
    page.get_by_role("link", name="Open the record").click()
    accessible(page)
    keep_screenshots(page, "emergency-form")
    page.get_by_label("Reason").fill("Found unconscious in the library")
    page.get_by_role("button", name="Open for an hour").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Record of Student 10000")
    expect(page.get_by_text("first@home.example")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "emergency-record")
    page.goto(f"{site.url}/offerings")
    banner = page.get_by_role("region", name="Emergency access to Student 10000")
    accessible(page)
    banner.get_by_role("button", name="Close it").click()
    expect(banner).to_have_count(0)
    page.goto(f"{site.url}/people/{student.id}/record")
    expect(page.get_by_text("This record is not open to you")).to_be_visible()

    site.run_jobs()
    page.context.clear_cookies()
    site.sign_in(page, "auditor")
    page.goto(f"{site.url}/notifications")
    page.get_by_role("button", name="Open: A record was opened").click()
    expect(page.get_by_text("Found unconscious in the library")).to_be_visible()
    page.get_by_label("Note").fill("The ambulance was called; rightly opened.")
    accessible(page)
    keep_screenshots(page, "emergency-review")
    page.get_by_role("button", name="Mark as reviewed").click()
    expect(page.get_by_text("rightly opened")).to_be_visible()
    page.get_by_role("link", name="Emergency access").first.click()
    expect(page.get_by_role("row", name="Colleague of home")).to_contain_text("Reviewed")
    accessible(page)
    keep_screenshots(page, "emergency-list")
    # The page that is not open any more is a 403, of which the browser's console speaks.
    assert [each for each in complaints if "403" not in each] == []
