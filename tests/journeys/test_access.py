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


def test_a_guardian_sees_only_their_child(site: Site, page: Page, browser: Browser) -> None:
    complaints = complaints_of(page)
    child, other = site.home.people["student0"], site.home.people["student1"]
    site.sign_in(page, "registrar")
    page.goto(f"{site.url}/people/{child.id}")
    accessible(page)
    page.get_by_role("link", name="Add a guardian").click()
    page.get_by_role("searchbox", name="Find a person").fill("10005")
    page.keyboard.press("Enter")
    page.get_by_label("Student 10005").check()
    accessible(page)
    keep_screenshots(page, "guardian-add")
    page.get_by_role("button", name="Add the guardian").click()
    expect(page.get_by_text("The guardian was added.")).to_be_visible()
    with browser.new_context(viewport=WIDE) as theirs, browser.new_context(viewport=WIDE) as own:
        guardian, student = theirs.new_page(), own.new_page()
        site.sign_in(guardian, "student5")
        guardian.get_by_role("navigation", name="Main").get_by_role("link", name="My children").click()
        guardian.get_by_role("link", name="Student 10000").click()
        expect(guardian.get_by_text("Not shared with you")).to_have_count(3)
        accessible(guardian)
        site.sign_in(student, "student0")
        student.goto(f"{site.url}/account/guardians")
        student.get_by_label("Attendance").check()
        student.get_by_label("Results").check()
        accessible(student)
        keep_screenshots(student, "guardian-consent")
        student.get_by_role("button", name="Save").click()
        expect(student.get_by_text("Your guardian sees what you ticked.")).to_be_visible()
        guardian.reload()
        expect(guardian.get_by_text("80 of 100")).to_be_visible()
        expect(guardian.get_by_text("Not shared with you")).to_have_count(1)
        accessible(guardian)
        keep_screenshots(guardian, "guardian-child")
        for path in (f"/my-children/{other.id}", f"/people/{other.id}", f"/people/{child.id}", "/offerings"):
            answer = guardian.goto(f"{site.url}{path}")
            assert answer is not None
            body = guardian.content()
            assert "Student 10001" not in body
            assert path == "/offerings" or answer.status == 404
        student.get_by_role("button", name="Take my consent back").click()
        guardian.goto(f"{site.url}/my-children/{child.id}")
        expect(guardian.get_by_text("Not shared with you")).to_have_count(3)
    assert complaints == []


def test_an_administrator_acts_as_a_lecturer(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    site.sign_in(page, "administrator")
    page.goto(f"{site.url}/people/{site.home.people['lecturer'].id}")
    page.get_by_role("button", name="Act as this person …").click()
    page.get_by_role("button", name="Act as this person", exact=True).click()
    banner = page.get_by_role("region", name="Acting as somebody else")
    expect(banner).to_contain_text("Administrator of home acts as Lecturer of home")
    accessible(page)
    keep_screenshots(page, "masquerade")
    page.goto(f"{site.url}/account")
    expect(banner).to_be_visible()
    banner.get_by_role("button", name="Act as yourself again").click()
    expect(page.get_by_label(f"Your account: {site.home.people['administrator'].display_name}")).to_be_visible()
    expect(banner).to_have_count(0)
    assert complaints == []
