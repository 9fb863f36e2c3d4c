"""Rows as CSV that a spreadsheet may open."""

import csv
import io
from collections.abc import Iterable
from typing import Final

# OWASP, "CSV Injection": a cell that begins like this may be run as a formula; a quote before it makes it text.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV (RFC 4180); an empty cell stands for what is not known."""
    text = io.StringIO()
    csv.writer(text).writerows([[harmless(value) for value in row] for row in rows])
    return text.getvalue()


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
