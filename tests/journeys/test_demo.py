"""`academe demo` as a visitor meets it: started in an empty data folder, looked at as advisor, lecturer and student."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.conftest import WIDE, keep_screenshots
from tests.support.browser import complaints_of
from tests.support.embedded import scratch_folder

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ACADEME: Final = (sys.executable, "-c", "from academe.cli import app; app()")
FIRST_START_SECONDS: Final = 400
STOP_SECONDS: Final = 60
ADDRESS: Final = re.compile(r"Academe is at (http://\S+)")


@dataclass(frozen=True)
class RunningDemo:
    """A demo that serves. `printed` is what it said by then."""

    url: str
    printed: str
    passwords: dict[str, str]

    def sign_in(self, page: Page, who: str) -> None:
        """Sign in by the form, with what the start has printed."""
        page.goto(f"{self.url}/sign-in")
        page.get_by_role("link", name=f"{who}@demo.example").click()
        page.get_by_label("Password").fill(self.passwords[f"{who}@demo.example"])
        page.get_by_role("button", name="Sign in").click()
        expect(page).not_to_have_url(re.compile("/sign-in"))


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + FIRST_START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = ADDRESS.search(log.read_text())
        if found:
            return found[1]
        time.sleep(0.2)
    raise AssertionError(f"the demo did not start (exit code {process.poll()}); it said:\n{log.read_text()}")


@contextmanager
def started(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a demo and what it printed; stopped with SIGTERM, as a service manager would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ACADEME_", "DATABASE_"))}
    environment |= {"ACADEME_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*ACADEME, "demo", "--port", "0"], env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=folder
        )
    try:
        yield wait_for_address(process, log), log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """The demo of this file, in a data folder of its own."""
    with scratch_folder() as folder, started(folder) as (url, printed):
        passwords = json.loads((folder / "data" / "demo-accounts.json").read_text())
        yield RunningDemo(url, printed, passwords)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab with a memory of its own."""
    with browser.new_context(viewport=WIDE) as context:
        yield context.new_page()


class TestDemo:
    def test_it_prints_where_it_is_and_who_can_sign_in(self, demo: RunningDemo) -> None:
        assert demo.url in demo.printed
        for email, password in demo.passwords.items():
            assert re.search(rf"{re.escape(email)}\W+{re.escape(password)}", demo.printed), email

    def test_the_advisor_sees_who_needs_help_and_why(self, demo: RunningDemo, page: Page) -> None:
        complaints = complaints_of(page)
        demo.sign_in(page, "advisor")
        expect(page).to_have_url(re.compile("/worklist"))
        rows = page.locator("main tbody tr")
        expect(rows).not_to_have_count(0)
        expect(rows.first).to_contain_text(re.compile(r"Student \d+"))
        expect(rows.first).to_contain_text(re.compile(r"\d+%"))
        expect(page.locator("main")).to_contain_text("week 8")
        expect(page.locator("body")).to_contain_text("Kuzilek")
        keep_screenshots(page, "demo-worklist")
        rows.first.get_by_role("link").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"Student \d+"))
        keep_screenshots(page, "demo-student")
        assert complaints == []

    def test_the_worklist_is_another_in_another_week(self, demo: RunningDemo, page: Page) -> None:
        demo.sign_in(page, "advisor")
        first = page.locator("main tbody").inner_text()
        page.goto(f"{demo.url}/worklist?week=20")
        expect(page.locator("main")).to_contain_text("week 20")
        assert page.locator("main tbody").inner_text() != first

    def test_the_lecturer_takes_the_attendance_of_a_real_class(self, demo: RunningDemo, page: Page) -> None:
        complaints = complaints_of(page)
        demo.sign_in(page, "lecturer")
        page.goto(f"{demo.url}/offerings")
        page.locator("main tbody").get_by_role("link", name="AAA Module AAA").first.click()
        page.get_by_label("Pages of this offering").get_by_role("link", name="Roster").click()
        expect(page.locator("main tbody tr")).to_have_count(50)
        keep_screenshots(page, "demo-roster")
        page.get_by_label("Pages of this offering").get_by_role("link", name="Meetings").click()
        expect(page.locator("main")).to_contain_text("Demo tutorial 1")
        keep_screenshots(page, "demo-meetings")
        page.locator("main").get_by_role("link", name="Demo tutorial 1", exact=True).click()
        page.get_by_role("button", name="Save attendance").click()
        expect(page.get_by_text(re.compile(r"Attendance is saved: \d+ of \d+ marks"))).to_be_visible()
        assert complaints == []

    def test_the_student_sees_what_was_predicted_about_them(self, demo: RunningDemo, page: Page) -> None:
        complaints = complaints_of(page)
        demo.sign_in(page, "student")
        expect(page.locator("main")).to_contain_text("Module AAA")
        keep_screenshots(page, "demo-my-progress")
        page.goto(f"{demo.url}/worklist")
        expect(page.locator("main tbody tr")).to_have_count(0)
        assert [text for text in complaints if "403" not in text and "404" not in text] == []
