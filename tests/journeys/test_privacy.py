"""A registrar gives a graduate a copy of everything and erases them, while another is under legal hold."""

import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def place_hold(site: Site, page: Page, person_id: UUID) -> None:
    """Place a hold on somebody, and see that it keeps them from being erased."""
    page.goto(f"{site.url}/people/{person_id}")
    page.get_by_role("link", name="Place a legal hold").click()
    accessible(page)
    keep_screenshots(page, "legal-hold")
    page.get_by_label("Reason").fill("Case 7 of the court of appeal")
    page.get_by_role("button", name="Place the hold").click()
    expect(page.get_by_text("Case 7 of the court of appeal")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "person-under-hold")
    page.get_by_role("link", name="See what would go").click()
    expect(page.get_by_text("Nobody can erase this person until the hold is lifted or over.")).to_be_visible()
    expect(page.get_by_role("button", name="Erase for good")).to_have_count(0)


def test_a_registrar_exports_and_erases_a_graduate_while_another_is_held(
    site: Site, page: Page, tmp_path: Path
) -> None:
    complaints = complaints_of(page)
    graduate, held = site.home.people["student4"], site.home.people["student5"]
    site.sign_in(page, "registrar")

    place_hold(site, page, held.id)

    page.goto(f"{site.url}/people/{graduate.id}")
    page.get_by_role("link", name="Ask for a copy").click()
    page.get_by_role("button", name="Ask for a copy").click()
    site.run_jobs()
    page.goto(f"{site.url}/people/{graduate.id}/export")
    accessible(page)
    keep_screenshots(page, "copy-of-everything")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    started.value.save_as(tmp_path / "copy.zip")
    assert "Student 10004" in zipfile.ZipFile(tmp_path / "copy.zip").read("html/person.html").decode()

    page.goto(f"{site.url}/people/{graduate.id}")
    page.get_by_role("link", name="See what would go").click()
    expect(page.get_by_role("row", name="Enrolments")).to_contain_text("stays countable, under a pseudonym")
    accessible(page)
    keep_screenshots(page, "erasure")
    page.get_by_label("Reason").fill("Asked for by letter")
    page.get_by_label("Name of the person").fill("Student 10005")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Type the name as it is shown")
    page.get_by_label("Name of the person").fill("Student 10004")
    page.get_by_role("button", name="Erase for good").click()
    site.run_jobs()
    page.goto(f"{site.url}/people/{graduate.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Erased person")
    expect(page.get_by_text("Asked for by letter")).to_be_visible()
    page.goto(f"{site.url}/people?q=10004")
    expect(page.get_by_text("Student 10004")).to_have_count(0)
    page.goto(f"{site.url}/people/{held.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Student 10005")
    # The answer to the wrong name is a 422, of which the browser's console speaks.
    assert [each for each in complaints if "422" not in each] == []


def test_a_student_asks_for_a_correction_and_a_registrar_makes_it(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "student0")
    page.goto(f"{site.url}/account")
    page.get_by_role("link", name="Corrections of my record").click()
    page.get_by_label("What is wrong").select_option("Family name")
    page.get_by_label("What it should say").fill("Núñez")
    page.get_by_label("Why").fill("As on my passport")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("region", name="Family name")).to_contain_text("Asked")
    accessible(page)
    keep_screenshots(page, "own-corrections")

    site.run_jobs()
    page.context.clear_cookies()
    site.sign_in(page, "registrar")
    page.goto(f"{site.url}/people")
    page.get_by_role("link", name="Corrections", exact=True).first.click()
    accessible(page)
    keep_screenshots(page, "corrections")
    page.get_by_role("row", name="Student 10000").get_by_role("link").click()
    accessible(page)
    keep_screenshots(page, "correction")
    page.get_by_role("button", name="Accept and correct").click()
    expect(page.get_by_text("Nothing to decide")).to_be_visible()

    site.run_jobs()
    page.context.clear_cookies()
    site.sign_in(page, "student0")
    page.goto(f"{site.url}/notifications")
    page.get_by_role("button", name="Open: Your record was corrected").click()
    expect(page.get_by_role("region", name="Family name")).to_contain_text("Accepted")
    assert complaints == []


def test_data_are_restricted_and_a_student_consents(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    student = site.home.people["student0"]
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/people/{student.id}")
    page.get_by_role("link", name="Restrict processing").click()
    accessible(page)
    page.get_by_label("Reason").fill("Contested by letter, article 18 (1) a")
    page.get_by_role("button", name="Restrict").click()
    expect(page.get_by_text("The data of this person are kept and not used.")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "restricted")
    page.goto(f"{site.url}/settings/consents")
    page.get_by_label("Purpose").fill("photographs")
    page.get_by_label("Title").fill("Photographs")
    page.get_by_role("textbox", name="Text").fill("We show your picture on our pages.")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("row", name="Photographs")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "consent-texts")

    page.context.clear_cookies()
    site.sign_in(page, "student0")
    page.goto(f"{site.url}/account")
    page.get_by_role("link", name="My consents").click()
    page.get_by_role("button", name="I consent").click()
    expect(page.get_by_role("row", name="Photographs, version 1")).to_contain_text("Consent given")
    accessible(page)
    keep_screenshots(page, "own-consents")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("row", name="Photographs, version 1").first).to_contain_text("No consent")
    page.goto(f"{site.url}/account/directory")
    page.get_by_role("button", name="Leave me out").click()
    expect(page.get_by_text("You are not in the directory")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "own-listing")
    assert complaints == []


def test_an_administrator_says_how_long_records_are_kept(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/settings/retention")
    accessible(page)
    page.get_by_role("combobox", name="Records").select_option("Reasons of absences")
    page.get_by_role("spinbutton", name="Days").fill("30")
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_role("row", name="Reasons of absences")).to_contain_text("30 days")
    accessible(page)
    keep_screenshots(page, "retention-rules")
    assert complaints == []
