"""A lecturer and a convenor at work with the roster and the attendance of a class of 300."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import Site, keep_screenshots, without_scripts
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def roster_of(site: Site) -> str:
    return f"{site.url}/offerings/{site.home.offering.id}/roster"


def attendance_of(site: Site) -> str:
    return f"{site.url}/meetings/{site.home.meeting.id}/attendance"


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


class TestRoster:
    def test_a_lecturer_finds_sorts_and_pages(self, site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        site.sign_in(page, "lecturer")
        expect(page).to_have_url(re.compile("/offerings$"))
        keep_screenshots(page, "offerings")
        page.get_by_role("link", name="MATH101 Calculus").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("MATH101 Calculus")
        accessible(page)
        keep_screenshots(page, "offering")
        page.get_by_role("link", name="Roster", exact=True).click()
        expect(page.get_by_text("50 of 300")).to_be_visible()
        accessible(page)
        keep_screenshots(page, "roster")
        page.get_by_label("Find a student").fill("20123")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page).to_have_url(re.compile("q=20123"))
        page.get_by_label("Find a student").fill("")
        expect(page.locator("tbody tr")).to_have_count(50)
        page.get_by_role("link", name="Number").click()
        expect(page.locator("tbody tr").first).to_contain_text("20296")
        page.get_by_role("link", name="Next").click()
        expect(page.locator("tbody tr").first).to_contain_text("20246")
        page.get_by_role("link", name="Previous").click()
        expect(page.locator("tbody tr").first).to_contain_text("20296")
        assert complaints == []

    def test_a_convenor_enrols_and_withdraws(self, site: Site, page: Page) -> None:
        site.sign_in(page, "convenor")
        page.goto(roster_of(site))
        page.get_by_role("link", name="Enrol a student").click()
        page.get_by_label("Student number").fill("99999")
        page.get_by_role("button", name="Enrol").click()
        expect(page.get_by_role("alert")).to_contain_text("There is no student with this number.")
        keep_screenshots(page, "enrol")
        page.get_by_label("Student number").fill("20300")
        page.get_by_role("button", name="Enrol").click()
        expect(page.get_by_text("Student 20300 is enrolled.")).to_be_visible()
        page.get_by_label("Find a student").fill("2030")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.get_by_label("Select row 1").check()
        page.get_by_label("Reason for withdrawing").fill("Moved to another programme")
        keep_screenshots(page, "roster-selected")
        page.get_by_role("button", name="Withdraw").click()
        expect(page.get_by_text("1 student was withdrawn.")).to_be_visible()
        page.goto(f"{roster_of(site)}?status=withdrawn")
        page.get_by_role("link", name="Enrolment of Student 20300").click()
        expect(page.get_by_text("Moved to another programme")).to_be_visible()
        accessible(page)
        keep_screenshots(page, "enrollment")

    def test_everything_works_without_scripts(self, site: Site, browser: Browser) -> None:
        with without_scripts(browser) as page:
            site.sign_in(page, "convenor")
            page.goto(roster_of(site))
            page.get_by_label("Find a student").fill("20123")
            page.get_by_role("button", name="Apply").click()
            expect(page.locator("tbody tr")).to_have_count(1)
            page.get_by_label("Select row 1").check()
            page.get_by_label("Reason for withdrawing").fill("Illness")
            page.get_by_role("button", name="Withdraw").click()
            expect(page.get_by_text("1 student was withdrawn.")).to_be_visible()


class TestImport:
    def test_a_wrong_file_then_the_right_one(self, site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        site.sign_in(page, "convenor")
        page.goto(roster_of(site))
        page.get_by_role("link", name="Import").click()
        accessible(page)
        keep_screenshots(page, "import")
        bring(page, "student_number;status;reason\n20300;enrolled;\n20001;asleep;\n88888;;\n20002;withdrawn;\n")
        expect(page.get_by_text("3 things to correct in class.csv")).to_be_visible()
        rows = page.get_by_role("region", name="Errors of the file").locator("tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.nth(0)).to_contain_text("3StatusThe status is enrolled or withdrawn.")
        expect(rows.nth(1)).to_contain_text("There is no student with the number 88888.")
        accessible(page)
        keep_screenshots(page, "import-errors")
        page.get_by_role("link", name="Choose another file").click()
        bring(
            page, "student_number;status;reason\n20300;enrolled;\n20299;;\n20002;withdrawn;left the country\n20003;;\n"
        )
        expect(page.get_by_role("button", name="Change 3 students")).to_be_visible()
        accessible(page)
        keep_screenshots(page, "import-preview")
        page.get_by_role("button", name="Change 3 students").click()
        expect(page.get_by_text("Waiting for its turn")).to_be_visible()
        keep_screenshots(page, "import-waiting")
        site.run_jobs()
        expect(page.get_by_text("2 enrolled, 0 enrolled again, 1 withdrawn, 1 were so already.")).to_be_visible()
        accessible(page)
        keep_screenshots(page, "import-done")
        page.get_by_role("link", name="Show the roster").click()
        expect(page.get_by_text("50 of 302")).to_be_visible()
        assert complaints == []


def bring(page: Page, content: str) -> None:
    page.get_by_label("File").set_input_files({"name": "class.csv", "mimeType": "text/csv", "buffer": content.encode()})
    page.get_by_role("button", name="Show what it changes").click()


class TestAttendance:
    def test_a_class_of_300_with_three_not_there(self, site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        site.sign_in(page, "lecturer")
        page.goto(attendance_of(site))
        rows = page.locator(".attendance-row")
        expect(rows).to_have_count(300)
        page.get_by_label("Find a student").fill("20007")
        expect(rows.locator("visible=true")).to_have_count(1)
        late = page.get_by_role("group", name=re.compile("Student 20007"))
        late.locator("label", has_text="Late").first.click()
        late.get_by_label("Minutes late").fill("12")
        page.get_by_label("Find a student").fill("")
        page.get_by_role("group", name=re.compile("Student 20001")).locator("label", has_text="Absent").click()
        # The keyboard alone: one stop a student, arrows choose.
        page.get_by_role("group", name=re.compile("Student 20002")).get_by_label("Present").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator("[data-attendance-counts]")).to_contain_text("1 absent · 2 late · 1 excused")
        accessible(page)
        keep_screenshots(page, "attendance")
        page.get_by_role("button", name="Save attendance").click()
        expect(page.get_by_text("Attendance is saved: 296 of 300 marks were new or different.")).to_be_visible()
        expect(late.get_by_label("Minutes late")).to_have_value("12")
        assert complaints == []

    def test_two_lecturers_at_once(self, site: Site, browser: Browser, page: Page) -> None:
        site.sign_in(page, "lecturer")
        page.goto(attendance_of(site))
        with browser.new_context() as context:
            other = context.new_page()
            site.sign_in(other, "convenor")
            other.goto(attendance_of(site))
            first = other.get_by_role("group", name=re.compile("Student 20001"))
            first.locator("label", has_text="Absent").click()
            other.get_by_role("button", name="Save attendance").click()
            expect(other.get_by_text("Attendance is saved")).to_be_visible()
        page.get_by_role("button", name="Save attendance").click()
        expect(page.get_by_text("Somebody else has saved this attendance meanwhile")).to_be_visible()
        expect(page.get_by_text("saved: Absent")).to_be_visible()
        keep_screenshots(page, "attendance-conflict")
        page.get_by_role("button", name="Save attendance").click()
        expect(page.get_by_text("Attendance is saved: 1 of 300")).to_be_visible()

    def test_it_works_without_scripts(self, site: Site, browser: Browser) -> None:
        with without_scripts(browser) as page:
            site.sign_in(page, "lecturer")
            page.goto(attendance_of(site))
            late = page.get_by_role("group", name=re.compile("Student 20009"))
            late.locator("label", has_text="Late").first.click()
            page.get_by_role("button", name="Save attendance").click()
            expect(page.get_by_text("Please say how late, in minutes from 1 to 600.")).to_be_visible()
            page.get_by_role("group", name=re.compile("Student 20009")).get_by_label("Minutes late").fill("5")
            page.get_by_role("button", name="Save attendance").click()
            expect(page.get_by_text("Attendance is saved")).to_be_visible()

    def test_a_meeting_is_scheduled(self, site: Site, page: Page) -> None:
        site.sign_in(page, "lecturer")
        page.goto(f"{site.url}/offerings/{site.home.offering.id}/meetings")
        page.get_by_label("Title").fill("Tutorial 1")
        page.get_by_label("Kind").select_option("tutorial")
        page.get_by_label("Day").fill("2026-10-07")
        page.get_by_label("Begins").fill("14:00")
        page.get_by_label("Ends").fill("13:00")
        page.get_by_role("button", name="Schedule").click()
        expect(page.get_by_role("alert")).to_contain_text("The end must follow the beginning")
        page.get_by_label("Ends").fill("15:30")
        page.get_by_role("button", name="Schedule").click()
        expect(page.get_by_role("link", name="Tutorial 1", exact=True)).to_be_visible()
        accessible(page)
        keep_screenshots(page, "meetings")
