"""Take screenshots of pages of a running Academe: light, dark and narrow, as somebody signed in or as nobody.

The password is read from ACADEME_PASSWORD, so that it does not stay in the history of a shell.

Usage: python -m scripts.screenshots ADDRESS FOLDER [--sign-in EMAIL] [--window] PATH...
Example: make screenshots ARGS='http://127.0.0.1:8000 /tmp/shots --sign-in advisor@example.org / /account'
"""

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.support.browser import complaints_of, launched_browser


@dataclass(frozen=True, slots=True)
class Look:
    """One way to look at a page: the scheme the visitor prefers and the size of the window in CSS pixels."""

    name: str
    scheme: Literal["light", "dark"]
    width: int
    height: int


LOOKS = (Look("light", "light", 1440, 900), Look("dark", "dark", 1440, 900), Look("narrow", "light", 390, 844))


def file_name(path: str, look: Look) -> str:
    """A name that says which page it is and how it was looked at: `students-12-dark.png`; `/` is `home`."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")
    return f"{words or 'home'}-{look.name}.png"


def sign_in(page: Page, address: str, email: str, password: str) -> None:
    """Sign in through the page, as a person would; SystemExit when that does not work."""
    page.goto(f"{address}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").first.fill(password)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state("networkidle")
    if page.url.startswith(f"{address}/sign-in"):
        raise SystemExit(f"screenshots: {email} was not let in")


def shoot(browser: Browser, arguments: argparse.Namespace, look: Look) -> list[str]:
    """Take every page in one look; returns what the browser complained about."""
    context = browser.new_context(
        color_scheme=look.scheme,
        reduced_motion="reduce",
        device_scale_factor=2 if look.width < 500 else 1,
        viewport={"width": look.width, "height": look.height},
    )
    page = context.new_page()
    complaints = complaints_of(page)
    if arguments.sign_in:
        sign_in(page, arguments.address, arguments.sign_in, os.environ.get("ACADEME_PASSWORD", ""))
    for path in arguments.paths:
        response = page.goto(f"{arguments.address}{path}", wait_until="networkidle")
        target = arguments.folder / file_name(path, look)
        page.screenshot(path=target, full_page=not arguments.window)
        print(f"{target}: {response.status if response else 'no answer'}, {page.title()}")
    context.close()
    return complaints


def main() -> int:
    """Take the screenshots; 1 when the browser complained about a page."""
    parser = argparse.ArgumentParser(prog="screenshots", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("address", help="http://127.0.0.1:8000")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--sign-in", metavar="EMAIL", help="who looks; the password is in ACADEME_PASSWORD")
    parser.add_argument("--window", action="store_true", help="only what the window shows, not the whole page")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="/students/12")
    arguments = parser.parse_args()
    arguments.address = arguments.address.rstrip("/")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with launched_browser() as browser:
        complaints = [complaint for look in LOOKS for complaint in shoot(browser, arguments, look)]
    for complaint in complaints:
        print(f"the browser complained: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
