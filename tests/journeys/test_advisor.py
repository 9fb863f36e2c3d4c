"""An advisor, a lecturer and a student read who needs help and why, in a class of 300 in week 7 of its teaching."""

import re
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from academe.academics.models import Enrollment
from academe.insight.models import RiskScore
from academe.insight.types import band_of
from tests.insight.scores import day_of, factors, score_school
from tests.journeys.conftest import BUILDER, Site, in_own_loop, keep_screenshots, opened, without_scripts
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser

CLASS_WEEKS: Final = (6, 7)
"""Weeks for which the large class is scored; its first four students are from week 2 on."""


async def _score(site: Site) -> None:
    async with opened(site.settings) as database, database.transaction(BUILDER) as session:
        scored = await score_school(session, site.home)
        known = {site.home.enrollment_of(student).id for student in range(4)}
        found = await session.scalars(
            select(Enrollment).where(Enrollment.offering_id == site.home.offering.id).order_by(Enrollment.id)
        )
        for index, enrollment in enumerate(each for each in found if each.id not in known):
            probability = round(0.02 + index * 0.0025, 4)
            session.add_all(
                RiskScore(
                    enrollment_id=enrollment.id,
                    student_id=enrollment.student_id,
                    offering_id=enrollment.offering_id,
                    model_id=scored.model.id,
                    as_of=day_of(week),
                    probability=probability,
                    lower=probability / 2,
                    upper=min(probability * 1.2, 1),
                    band=band_of(probability),
                    factors=factors(probability),
                    features={},
                )
                for week in CLASS_WEEKS
            )


@pytest.fixture
def scored_site(site: Site) -> Site:
    """The site with scores for everybody in the first offering."""
    in_own_loop(_score(site))
    return site


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def fits(page: Page) -> None:
    for width in (375, 1366):
        page.set_viewport_size({"width": width, "height": 900})
        # Charts follow the window a frame later.
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=5_000)


class TestAdvisor:
    def test_the_day_begins_with_those_in_greatest_need(self, scored_site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        scored_site.sign_in(page, "advisor")
        expect(page).to_have_url(re.compile("/worklist$"))
        page.goto(f"{scored_site.url}/worklist?week=7")
        rows = page.locator("#worklist-students tbody tr")
        expect(rows).to_have_count(25)
        expect(rows.first).to_contain_text("Student 10000")
        expect(rows.first).to_contain_text("Critical")
        expect(rows.first).to_contain_text("1 of 2 pieces of coursework due not handed in.")
        accessible(page)
        keep_screenshots(page, "worklist")
        fits(page)
        assert complaints == []

    def test_filters_and_weeks_change_the_list_and_the_address(self, scored_site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        scored_site.sign_in(page, "advisor")
        page.goto(f"{scored_site.url}/worklist?week=7")
        page.evaluate("window.stillHere = true")
        rows = page.locator("#worklist-students tbody tr")
        page.get_by_label("Trend").select_option("rising")
        expect(rows).to_have_count(1)
        expect(page).to_have_url(re.compile("trend=rising"))
        page.get_by_label("Trend").select_option("")
        page.get_by_label("Find a student by number").fill("10002")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("Low")
        slider = page.get_by_label("As of", exact=True)
        slider.focus()
        page.keyboard.press("Home")
        expect(page.get_by_text("No scores for week 0")).to_be_visible()
        expect(page).to_have_url(re.compile("week=0"))
        page.get_by_role("link", name="week 2").click()
        expect(rows.first).to_contain_text("Student 10002")
        page.get_by_label("Find a student by number").fill("")
        expect(rows).to_have_count(4)
        page.go_back()
        expect(rows).to_have_count(1)
        page.goto(f"{scored_site.url}/worklist?week=7")
        page.get_by_role("link", name="Next").click()
        expect(page).to_have_url(re.compile("cursor="))
        expect(rows).to_have_count(25)
        page.get_by_role("link", name="Student", exact=True).click()
        expect(rows.first).to_contain_text("Student 10000")
        assert complaints == []

    def test_a_student_is_read_as_of_a_week(self, scored_site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        scored_site.sign_in(page, "advisor")
        page.goto(f"{scored_site.url}/worklist?week=7")
        page.get_by_role("link", name="Student 10000").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Student 10000")
        expect(page.get_by_text("Assignment 1 marked")).to_be_visible()
        expect(page.locator(".chart-canvas:has(canvas)")).to_have_count(2)
        accessible(page)
        keep_screenshots(page, "student")
        fits(page)
        page.get_by_label("As of", exact=True).focus()
        page.keyboard.press("Home")
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile("week=3"))
        expect(page.get_by_text("Assignment 1 handed in")).to_be_visible()
        expect(page.get_by_text("Assignment 1 marked")).to_have_count(0)
        expect(page.locator(".chart-canvas:has(canvas)")).to_have_count(2)
        page.get_by_role("link", name="risk-home 1").click()
        expect(page.get_by_text("It does not say why.")).to_be_visible()
        expect(page.locator(".chart-canvas:has(canvas)")).to_have_count(2)
        accessible(page)
        keep_screenshots(page, "model")
        fits(page)
        assert complaints == []

    def test_everything_works_without_scripts(self, scored_site: Site, browser: Browser) -> None:
        with without_scripts(browser) as page:
            scored_site.sign_in(page, "advisor")
            page.goto(f"{scored_site.url}/worklist?week=7")
            page.get_by_label("Risk", exact=True).select_option("critical")
            page.get_by_role("button", name="Apply").click()
            expect(page.locator("#worklist-students tbody tr").first).to_contain_text("Student 10000")
            expect(page).to_have_url(re.compile("band=critical"))
            page.get_by_role("link", name="Student 10000").click()
            page.get_by_text("Show the numbers").first.click()
            expect(page.get_by_role("columnheader", name="This student (clicks)")).to_be_visible()
            page.get_by_role("button", name="Show", exact=True).click()
            expect(page).to_have_url(re.compile("week=7"))


class TestLecturer:
    def test_the_class_has_a_page_of_its_own(self, scored_site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        scored_site.sign_in(page, "lecturer")
        page.goto(f"{scored_site.url}/offerings/{scored_site.home.offering.id}")
        page.get_by_role("link", name="Risk", exact=True).click()
        page.goto(f"{page.url}?week=7")
        expect(page.get_by_text("The class by probability").first).to_be_visible()
        expect(page.locator("#worklist-students tbody tr").first).to_contain_text("Student 10000")
        accessible(page)
        keep_screenshots(page, "offering-risk")
        fits(page)
        assert complaints == []


class TestStudent:
    def test_the_own_progress_is_said_with_care(self, scored_site: Site, page: Page) -> None:
        complaints = complaints_of(page)
        scored_site.sign_in(page, "student0")
        page.goto(f"{scored_site.url}/students/{scored_site.home.students[0].id}")
        expect(page).to_have_url(re.compile("/my-progress$"))
        page.goto(f"{scored_site.url}/my-progress?week=7")
        expect(page.get_by_text("about two in ten went on to pass")).to_be_visible()
        expect(page.get_by_text("Who can see this")).to_be_visible()
        expect(page.get_by_text("Critical")).to_have_count(0)
        accessible(page)
        keep_screenshots(page, "my-progress")
        fits(page)
        assert complaints == []
