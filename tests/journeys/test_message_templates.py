"""An administrator words announcements, looks at them with a real person, and a student reads one in German."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

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


def word(page: Page, language: str, text: str) -> None:
    page.get_by_label("Language").fill(language)
    page.get_by_label("Subject").fill("{{ title }}")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="Keep").click()


def test_from_the_words_to_the_reader(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    student = site.home.people["student0"].display_name
    site.sign_in(page, "administrator")
    page.get_by_role("link", name="Templates", exact=True).click()
    expect(page.get_by_text("No templates yet")).to_be_visible()
    seen(page, "templates-none")
    page.get_by_role("link", name="New template").click()
    page.get_by_label("Kind of message").select_option("announcement")
    page.get_by_label("Name", exact=True).fill("Letterhead")
    word(page, "en", "Dear {{ person_name }},\n{{ mesage }}")
    expect(page.get_by_text("Line 2: There is no variable mesage").first).to_be_visible()
    seen(page, "template-form")
    word(page, "en", "Dear {{ person_name }},\n{{ message }}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Letterhead")
    page.get_by_role("link", name="Another language").click()
    word(page, "de", "Guten Tag {{ person_name }},\n{{ message }}")
    expect(page.get_by_role("heading", name="In de")).to_be_visible()
    seen(page, "template")
    page.get_by_role("link", name="Preview").click()
    page.get_by_label("Name or number").fill(student)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=re.compile(f"Preview for {student}")).first.click()
    expect(page.get_by_text(f"Dear {student},")).to_be_visible()
    seen(page, "template-preview")
    page.goto(f"{site.url}/announcements/new")
    page.get_by_label("To", exact=True).select_option(label="Offering: MATH101 2026A")
    page.get_by_label("Title").fill("No lecture on Monday")
    page.get_by_label("Text").fill("Read chapter 3 instead.")
    page.get_by_label("Frame").select_option(label="Letterhead")
    page.get_by_role("button", name="Announce").click()
    expect(page.get_by_text("Planned")).to_be_visible()
    with browser.new_context(viewport=WIDE) as context:
        reader = context.new_page()
        site.sign_in(reader, "student0")
        reader.goto(f"{site.url}/account/profile")
        reader.get_by_label("Language and region").select_option("de-AT")
        reader.get_by_role("button", name="Save", exact=True).click()
        expect(reader.get_by_label("Language and region")).to_have_value("de-AT")
        site.run_jobs()
        reader.goto(f"{site.url}/notifications")
        expect(reader.get_by_text(f"Guten Tag {student},")).to_be_visible()
    # The wrong form is answered with 422, which the browser notes.
    assert [each for each in complaints if "422" not in each] == []
