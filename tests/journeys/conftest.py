"""Journeys: a real browser, a real server, a database of the test's own with two committed schools; no mocks.

`site` is the running application; `browser` is shared by a file. Screenshots are kept where ACADEME_SCREENSHOTS names
a folder. A missing browser skips these tests, or fails them where ACADEME_REQUIRE_BROWSER=1.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from academe.academics.models import Enrollment, EnrollmentStatusChange, StudentRecord
from academe.academics.types import EnrollmentStatus
from academe.app import create_app
from academe.identity.api import BreachedPasswords, set_password
from academe.identity.models import Person
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, Session
from academe.platform.ids import new_id
from academe.platform.settings import Settings
from academe.worker import make_queue
from tests.schools import STARTS_ON, School, TwoSchools, build_two_schools
from tests.support.browser import launched_browser, served
from tests.support.databases import ServerOfTests

Result = TypeVar("Result")

PASSWORD: Final = "a password of these tests"
CLASS_SIZE: Final = 300
WIDE: Final[ViewportSize] = {"width": 1366, "height": 900}
NARROW: Final[ViewportSize] = {"width": 375, "height": 812}
BUILDER: Final = system_actor("build the schools of the journeys")


@dataclass(frozen=True)
class Site:
    """The application under one address, and the schools in its database."""

    url: str
    settings: Settings
    schools: TwoSchools

    @property
    def home(self) -> School:
        """The school that a journey is about; its first offering has a class of 300."""
        return self.schools.home

    def sign_in(self, page: Page, who: str) -> None:
        """Sign in by the form as somebody of the home school ("lecturer")."""
        page.goto(f"{self.url}/sign-in")
        page.get_by_label("E-mail address").fill(f"{who}@home.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label(f"Your account: {self.home.people[who].display_name}")).to_be_visible()

    def run_jobs(self) -> None:
        """Do what waits in the queue, as a worker would."""
        in_own_loop(self._run_jobs())

    async def _run_jobs(self) -> None:
        async with opened(self.settings) as database:
            await make_queue(database).run(until_empty=True)


def in_own_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in a thread with a loop of its own: the browser's loop already runs in this one."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, work).result()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database, closed at the end so that it can be copied or dropped."""
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


async def _build(settings: Settings) -> TwoSchools:
    async with opened(settings) as database, database.transaction(BUILDER) as session:
        schools = await build_two_schools(session)
        await _fill_class(session, schools.home)
        for who in (
            "lecturer",
            "convenor",
            "colleague",
            "registrar",
            "administrator",
            "advisor",
            "auditor",
            "student0",
            "student5",
        ):
            account = schools.home.accounts[who]
            await set_password(
                session, actor=BUILDER, account_id=account.id, password=PASSWORD, breached=BreachedPasswords()
            )
        return schools


async def _fill_class(session: Session, school: School) -> None:
    """Students 20001 to 20300, of whom all but the last four take part in the first offering."""
    people = [
        Person(id=new_id(), institution_id=school.institution.id, display_name=f"Student {number}")
        for number in range(20001, 20001 + CLASS_SIZE)
    ]
    session.add_all(people)
    await session.flush()
    students = [
        StudentRecord(
            id=new_id(),
            institution_id=school.institution.id,
            person_id=person.id,
            number=person.display_name.removeprefix("Student "),
        )
        for person in people
    ]
    session.add_all(students)
    await session.flush()
    enrollments = [
        Enrollment(
            id=new_id(),
            offering_id=school.offering.id,
            student_id=student.id,
            status=EnrollmentStatus.ENROLLED,
            enrolled_on=STARTS_ON,
        )
        for student in students[:-4]
    ]
    session.add_all(enrollments)
    await session.flush()
    session.add_all(
        EnrollmentStatusChange(
            enrollment_id=enrollment.id,
            offering_id=school.offering.id,
            status=EnrollmentStatus.ENROLLED,
            effective_on=STARTS_ON,
        )
        for enrollment in enrollments
    )


@pytest.fixture(scope="session")
def filled_template(server: ServerOfTests, worker_id: str) -> Iterator[tuple[str, TwoSchools]]:
    """A database with the schools in it, to be copied by every journey."""
    name = f"academe_journeys_{worker_id}"
    settings = server.clone(name)
    schools = in_own_loop(_build(settings))
    yield name, schools
    server.drop(name)


@pytest.fixture
def site(server: ServerOfTests, worker_id: str, filled_template: tuple[str, TwoSchools]) -> Iterator[Site]:
    """The application on a database of this journey alone."""
    template, schools = filled_template
    name = f"academe_journey_{worker_id}"
    server.clone(name, template=template)
    settings = server.settings(name, sign_in_limit_per_minute=1000)
    with served(create_app(settings)) as url:
        yield Site(url, settings, schools)
    server.drop(name)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the journeys of a file: while it is open, its loop keeps asynchronous tests from running."""
    with launched_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A wide window with nothing in its memory."""
    with browser.new_context(viewport=WIDE) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab with scripts."""
    return context.new_page()


@contextmanager
def without_scripts(browser: Browser) -> Iterator[Page]:
    """A tab in which no script runs."""
    with browser.new_context(viewport=WIDE, java_script_enabled=False) as context:
        yield context.new_page()


def keep_screenshots(page: Page, name: str) -> None:
    """Keep the page as it is, wide and narrow, light and dark, if somebody wants to see it."""
    folder = os.environ.get("ACADEME_SCREENSHOTS")
    if not folder:
        return
    for width, size in (("wide", WIDE), ("narrow", NARROW)):
        page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.wait_for_timeout(300)  # colours fade from one scheme to the other
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png")
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
