"""An administrator imports 5,000 people from a file in which seven lines are wrong, and undoes it."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

WRONG = {
    14: "k14,,,nobody@new.example",
    515: ",Without a key,,",
    1016: "k3,Somebody again,,",
    2017: "k2017,Bad Address,,nowhere",
    3018: f"k3018,{'x' * 201},,",
    4019: "k4019,Same Address,,p3@new.example",
    5001: "k5001,More,cells,x@new.example,than,the heading",
}


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def file_of_people(folder: Path) -> Path:
    """5,000 lines after the heading, of which those in WRONG have a fault."""
    lines = [
        WRONG.get(line, f"k{line},Person Number {line},Called{line},p{line}@new.example") for line in range(2, 5002)
    ]
    path = folder / "people.csv"
    path.write_text("\n".join(["sourced_id,display_name,preferred_name,email", *lines]) + "\n", encoding="utf-8")
    return path


def test_an_administrator_imports_five_thousand_people_and_undoes_it(site: Site, page: Page, tmp_path: Path) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/people")
    page.get_by_role("link", name="Import").click()
    accessible(page)
    keep_screenshots(page, "people-import")
    page.get_by_label("File").set_input_files(file_of_people(tmp_path))
    page.get_by_role("button", name="Show whom it adds").click()
    rows = page.get_by_role("table", name="Errors of the file").locator("tbody tr")
    expect(rows).to_have_count(len(WRONG))
    for row, line in zip(rows.all(), sorted(WRONG), strict=True):
        expect(row.locator("td").first).to_have_text(str(line))
    accessible(page)
    keep_screenshots(page, "people-import-preview")
    page.get_by_role("button", name="Add 4,993 people and leave 7 lines out").click()
    site.run_jobs()
    expect(page.get_by_text("4,993 added, 0 known already, 7 left out.")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "people-import-done")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the lines left out").click()
    assert len(download.value.path().read_text(encoding="utf-8").splitlines()) == len(WRONG) + 1

    # Somebody of them is looked after meanwhile: whoever has been used stays.
    page.goto(f"{site.url}/people?q=Person+Number+4711")
    page.get_by_role("link", name="Person Number 4711").click()
    page.get_by_role("link", name="Correct the names").click()
    page.get_by_label("Preferred name").fill("Kölnisch Wasser")
    page.get_by_role("button", name="Save").click()

    page.goto(f"{site.url}/people/import")
    page.get_by_role("link", name="people.csv").click()
    page.get_by_role("button", name="Undo the import …").click()
    page.get_by_role("button", name="Undo the import", exact=True).click()
    site.run_jobs()
    expect(page.get_by_text("4,992 people removed.")).to_be_visible()
    expect(page.get_by_role("link", name="Person Number 4711")).to_be_visible()
    expect(page.get_by_text("1 by “person”.")).to_be_visible()
    accessible(page)
    keep_screenshots(page, "people-import-undone")
    page.goto(f"{site.url}/people?q=Person+Number")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert complaints == []
