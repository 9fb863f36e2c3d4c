"""Check that every relative link in the project's Markdown leads to a file, and its anchor to a heading.

Addresses of the web are left alone: whether they answer today says nothing about this checkout.
Prints one `path:line: message` per broken link; exits 1 when there is one.

Usage: python -m scripts.check_links [ROOT]
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

SKIPPED_FOLDERS = frozenset({".git", ".venv", "node_modules", "dist", "build", ".pytest_cache"})
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
HTML_SOURCE = re.compile(r"<(?:img|a|source)\b[^>]*?\b(?:src|srcset|href)=\"([^\"]+)\"")
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"\s*(```|~~~)")


def prose_lines(text: str) -> Iterator[tuple[int, str]]:
    """Numbered lines outside fenced code, with inline code blanked out: nothing in code is a link."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


def anchors(text: str) -> set[str]:
    """Anchors of the headings of a page, as forges form them: lower case, hyphens, no punctuation."""
    found: set[str] = set()
    fenced = False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.match(line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", heading.group(1).lower()).replace(" ", "-")
            repeated = sum(anchor == words or anchor.startswith(f"{words}-") for anchor in found)
            found.add(words if words not in found else f"{words}-{repeated}")
    return found


def broken_links(page: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and complaint for every link of `page` that leads nowhere inside `root`."""
    text = page.read_text(encoding="utf-8")
    for number, line in prose_lines(text):
        for target in [*LINK.findall(line), *HTML_SOURCE.findall(line)]:
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                continue
            name, _, anchor = unquote(target).partition("#")
            file = ((root if name.startswith("/") else page.parent) / name.lstrip("/")) if name else page
            if not file.exists():
                yield number, f"{target} does not exist"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
                yield number, f"{target}: no such heading"


def pages(root: Path) -> Iterator[Path]:
    """Every Markdown page of the checkout that we wrote."""
    for page in sorted(root.rglob("*.md")):
        if not SKIPPED_FOLDERS.intersection(page.relative_to(root).parts):
            yield page


def main(arguments: list[str]) -> int:
    """Print the broken links below the given root, or this checkout; 1 when there is one."""
    root = Path(arguments[0]) if arguments else Path(__file__).parent.parent
    checked = faults = 0
    for page in pages(root):
        checked += 1
        for number, complaint in broken_links(page, root):
            faults += 1
            print(f"{page.relative_to(root)}:{number}: {complaint}")
    print(f"links: {faults} broken in {checked} pages")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
