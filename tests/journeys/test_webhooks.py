"""An administrator lets a program be told, tries it, and sends again what did not arrive."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from standardwebhooks import Webhook

from tests.journeys.conftest import NARROW, WIDE, Site, keep_screenshots, without_scripts
from tests.support.browser import complaints_of

pytestmark = pytest.mark.browser


@dataclass
class Program:
    """What was asked of it, and what it answers."""

    url: str = ""
    status: int = 500
    asked: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def listening() -> Iterator[Program]:
    """A program on a port of this machine."""
    program = Program()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            program.asked.append((dict(self.headers), body))
            self.send_response(program.status)
            self.end_headers()
            self.wfile.write(b"the shelf is full" if program.status >= 400 else b"thanks")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    program.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield program
    finally:
        server.shutdown()
        server.server_close()


def seen(page: Page, name: str) -> None:
    """Nothing that axe finds, wide and narrow, and nothing that must be scrolled sideways; kept for people."""
    for size in (NARROW, WIDE):
        page.set_viewport_size(size)
        result = Axe().run(page)
        assert result.violations_count == 0, result.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), size
    keep_screenshots(page, name)


def add(page: Page, program: Program) -> str:
    """Fill in the form; returns the secret."""
    page.get_by_label("Name", exact=True).fill("Library")
    page.get_by_label("Address").fill(program.url)
    page.get_by_label("A student has got a place in an offering").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Library is added")
    return page.locator("dd code").first.inner_text()


def test_a_program_is_told_and_what_it_missed_is_sent_again(site: Site, page: Page) -> None:
    complaints = complaints_of(page)
    with listening() as program:
        site.sign_in(page, "administrator")
        page.get_by_role("link", name="Webhooks", exact=True).click()
        expect(page.get_by_text("Nobody is told")).to_be_visible()
        seen(page, "webhooks-none")
        page.get_by_role("link", name="Add a webhook").click()
        page.get_by_label("Name", exact=True).fill("Library")
        page.get_by_label("Address").fill("http://169.254.169.254/")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.get_by_text("is not an address of the public internet").first).to_be_visible()
        seen(page, "webhook-form")
        secret = add(page, program)
        seen(page, "webhook-secret")
        page.get_by_role("link", name="Done").click()
        page.get_by_role("button", name="Send a ping").click()
        site.run_jobs()
        page.reload()
        expect(page.get_by_text("It does not take what is sent")).to_be_visible()
        expect(page.get_by_role("row", name="webhook.ping")).to_contain_text("It answers 500.")
        seen(page, "webhook-failing")
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_role("row", name="webhook.ping")).to_contain_text("Not delivered")
        program.status = 200
        page.get_by_role("button", name="Switch on").click()
        page.get_by_role("button", name="Send all 1 again").click()
        site.run_jobs()
        page.reload()
        expect(page.get_by_role("row", name="webhook.ping")).to_contain_text("Delivered")
        page.get_by_role("link", name="webhook.ping").click()
        expect(page.get_by_label("Beginning of the answer")).to_have_text("thanks")
        seen(page, "webhook-delivery")
        page.get_by_role("link", name="Library").click()
        page.get_by_role("button", name="New secret").click()
        page.get_by_role("button", name="Make it").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Library has a new secret")
    first, second = program.asked
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert Webhook(secret).verify(second[1], second[0]) == json.loads(first[1])
    # The wrong form is answered with 422, which the browser notes.
    assert [each for each in complaints if "422" not in each] == []


def test_it_works_without_scripts(site: Site, browser: Browser) -> None:
    with listening() as program, without_scripts(browser) as page:
        program.status = 204
        site.sign_in(page, "administrator")
        page.goto(f"{site.url}/webhooks/add")
        add(page, program)
        page.get_by_role("link", name="Done").click()
        page.get_by_role("button", name="Send a ping").click()
        site.run_jobs()
        page.reload()
        expect(page.get_by_role("row", name="webhook.ping")).to_contain_text("Delivered")
