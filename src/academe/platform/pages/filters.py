"""Filters of the templates: dates, numbers, shares and plurals, the same on every page.

Every filter shows an en dash for None, so that templates need no conditions for what is not known.
"""

import math
from datetime import UTC, date, datetime
from typing import Final

NOT_KNOWN: Final = "\N{EN DASH}"


def number(value: float | None, places: int = 0) -> str:
    """1234567.891 becomes "1,234,568", or "1,234,567.9" with one place."""
    return NOT_KNOWN if value is None or math.isnan(value) else f"{value:,.{places}f}"


def percent(value: float | None, places: int = 0) -> str:
    """A share between 0 and 1 as a percentage: 0.42 becomes "42%".

    Shares strictly between 0 and 1 are never shown as 0 or 100: nothing here is that certain.
    """
    if value is None or math.isnan(value):
        return NOT_KNOWN
    smallest = 10.0**-places
    shown = value * 100
    if value > 0 and shown < smallest / 2:
        return f"<{smallest:.{places}f}%"
    if value < 1 and shown > 100 - smallest / 2:
        return f">{100 - smallest:.{places}f}%"
    return f"{shown:.{places}f}%"


def signed(value: float | None, places: int = 0) -> str:
    """A difference with its sign and a true minus: -3 becomes "-3" with U+2212."""
    if value is None or math.isnan(value):
        return NOT_KNOWN
    text = f"{abs(value):,.{places}f}"
    if float(text.replace(",", "")) == 0:
        return f"±{text}"
    sign = "+" if value > 0 else "\N{MINUS SIGN}"
    return sign + text


def points(value: float | None) -> str:
    """A difference between two shares in percentage points: 0.042 becomes "+4 points"."""
    if value is None or math.isnan(value):
        return NOT_KNOWN
    unit = "point" if round(abs(value) * 100) == 1 else "points"
    return f"{signed(value * 100)}\N{NO-BREAK SPACE}{unit}"


def day(value: date | None) -> str:
    """9 October 2013."""
    return NOT_KNOWN if value is None else f"{value.day} {value:%B %Y}"


def short_day(value: date | None) -> str:
    """9 Oct 2013."""
    return NOT_KNOWN if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """9 Oct 2013, 14:05."""
    return NOT_KNOWN if value is None else f"{short_day(value)}, {value:%H:%M}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """3 and "student" become "3 students"; give `many` when it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def ago(value: date | None, today: date) -> str:
    """How many days before `today`: "today", "yesterday", "6 days ago", "5 weeks ago", "11 years ago", "in 3 days"."""
    if value is None:
        return "never"
    start = value.date() if isinstance(value, datetime) else value
    days = (today - start).days
    if days < 0:
        return "tomorrow" if days == -1 else f"in {-days} days"
    if days < 2:
        return ("today", "yesterday")[days]
    if days < 21:
        return f"{days} days ago"
    if days < 120:
        return f"{days // 7} weeks ago"
    return f"{days // 30} months ago" if days < 730 else f"{days * 100 // 36525} years ago"


def iso(value: date | datetime | None) -> str:
    """The machine-readable form for `<time datetime>`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    return "" if value is None else value.isoformat()


def initials(label: str) -> str:
    """Up to two letters of a name; for labels that end in a number ("Student 11391") its last two digits."""
    words = label.split()
    if words and words[-1].isdigit():
        return words[-1][-2:]
    letters = [word[0] for word in words if word[0].isalnum()]
    return "".join(letters[:1] + letters[1:][-1:]).upper() or "?"


def tint(label: str) -> int:
    """A stable number from 1 to 6 for a label: which tint its avatar has."""
    return sum(label.encode()) % 6 + 1
