"""Access comes with a role and goes with it: given and ended by an administrator, appointed and ended by a convenor."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import NARROW, WIDE, Site, keep_screenshots
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


def accessible(page: Page) -> None:
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
    page.set_viewport_size(WIDE)


def test_access_is_lost_when_the_grant_ends(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Organisation").click()
    accessible(page)
    keep_screenshots(page, "organisation")
    page.get_by_role("link", name="Department of Mathematics").click()
    accessible(page)
    keep_screenshots(page, "organisation-node")
    with browser.new_context(viewport=WIDE) as context:
        advisor = context.new_page()
        site.sign_in(advisor, "advisor")
        roster = f"{site.url}/offerings/{site.home.offering.id}/roster"
        advisor.goto(roster)
        expect(advisor.get_by_role("heading", name="MATH101 Calculus")).to_be_visible()
        page.get_by_role("link", name="End … the role advisor of Advisor of home").click()
        accessible(page)
        keep_screenshots(page, "role-end")
        page.get_by_role("button", name="End the role").click()
        expect(page.get_by_text("The role has ended.")).to_be_visible()
        accessible(page)
        keep_screenshots(page, "person-roles")
        answer = advisor.goto(roster)
        assert answer is not None
        assert answer.status == 404
        expect(advisor.get_by_text("There is no such offering")).to_be_visible()
        # Given again, at the node and found by name, access is back at once.
        page.goto(f"{site.url}/organisation/{site.home.department.id}")
        page.get_by_role("link", name="Give a role").click()
        page.get_by_role("searchbox", name="Find a person").fill("advisor")
        page.keyboard.press("Enter")
        page.get_by_label("Advisor of home").check()
        page.get_by_label("Role", exact=True).select_option("advisor")
        accessible(page)
        keep_screenshots(page, "role-give")
        page.get_by_role("button", name="Give the role").click()
        expect(page.get_by_text("The role advisor was given.")).to_be_visible()
        advisor.goto(roster)
        expect(advisor.get_by_role("heading", name="MATH101 Calculus")).to_be_visible()
    assert complaints == []


def test_a_convenor_appoints_a_tutor_and_ends_it(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "convenor")
    page.goto(f"{site.url}/offerings/{site.home.offering.id}")
    page.get_by_role("link", name="Who teaches here").click()
    page.get_by_role("searchbox", name="Find a person").fill("colleague")
    page.keyboard.press("Enter")
    page.get_by_label("Colleague of home").check()
    accessible(page)
    keep_screenshots(page, "staff")
    page.get_by_role("button", name="Appoint").click()
    expect(page.get_by_text("Appointed as tutor.")).to_be_visible()
    with browser.new_context(viewport=WIDE) as context:
        tutor = context.new_page()
        site.sign_in(tutor, "colleague")
        roster = f"{site.url}/offerings/{site.home.offering.id}/roster"
        tutor.goto(roster)
        expect(tutor.get_by_role("heading", name="MATH101 Calculus")).to_be_visible()
        page.get_by_role("button", name="End …").click()
        page.get_by_role("button", name="End", exact=True).click()
        expect(page.get_by_text("It has ended.")).to_be_visible()
        answer = tutor.goto(roster)
        assert answer is not None
        assert answer.status == 404
    assert complaints == []
