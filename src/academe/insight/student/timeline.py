"""What happened to a student in an offering until a day, told as a list of entries, newest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from academe.academics.types import AttendanceStatus, EnrollmentStatus
from academe.insight.student.records import Piece, Recorded, Records, ScorePoint, Visit
from academe.insight.types import RiskBand
from academe.platform.pages.filters import number, percent, plural

LONG_GAP_DAYS: Final = 14
"""Days without a visit from which on the silence is an entry of its own."""

_STEPS: Final = {
    EnrollmentStatus.REQUESTED: ("Asked for a place", "clock", "neutral"),
    EnrollmentStatus.WAITLISTED: ("Put on the waiting list", "clock", "neutral"),
    EnrollmentStatus.ENROLLED: ("Enrolled", "user-check", "good"),
    EnrollmentStatus.WITHDRAWN: ("Left the offering", "user-minus", "bad"),
    EnrollmentStatus.COMPLETED: ("Completed the offering", "certificate", "good"),
    EnrollmentStatus.REJECTED: ("Place refused", "user-x", "neutral"),
}
_BAND_ORDER: Final = tuple(RiskBand)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as `ui.timeline` shows it."""

    moment: date
    title: str
    text: str
    icon: str
    tone: str


def timeline_of(records: Records, *, starts_on: date, with_bands: bool) -> Sequence[Entry]:
    """The entries, newest first; changes of band only where `with_bands`."""
    entries = [
        *_teaching(starts_on, records.as_of),
        *_steps(records),
        *_coursework(records.pieces, records.as_of),
        *_silence(records.visits, starts_on, records.as_of),
        *_recorded(records.recorded),
        *_absences(records),
        *(_bands(records.history) if with_bands else ()),
    ]
    return sorted(entries, key=lambda entry: entry.moment, reverse=True)


def _teaching(starts_on: date, as_of: date) -> Iterator[Entry]:
    if starts_on <= as_of:
        yield Entry(starts_on, "Teaching began", "", "school", "neutral")


def _steps(records: Records) -> Iterator[Entry]:
    for step in records.steps:
        title, icon, tone = _STEPS[step.status]
        yield Entry(step.day, title, "", icon, tone)


def _coursework(pieces: Sequence[Piece], as_of: date) -> Iterator[Entry]:
    for piece in pieces:
        if piece.submitted_on:
            late = piece.due_on is not None and piece.submitted_on > piece.due_on
            yield Entry(
                piece.submitted_on,
                f"{piece.title} handed in",
                timing(piece),
                "clock" if late else "circle-check",
                "warn" if late else "good",
            )
        if piece.is_missing(as_of) and piece.due_on:
            yield Entry(piece.due_on, f"{piece.title} not handed in", _weight(piece), "circle-x", "bad")
        if piece.marked_on and piece.score is not None:
            mark = f"{number(piece.score)} of {number(piece.max_score)}"
            yield Entry(piece.marked_on, f"{piece.title} marked", mark, "clipboard-check", "neutral")


def timing(piece: Piece) -> str:
    """How early or late a piece was handed in; empty when it was not, or no day was set."""
    if piece.submitted_on is None or piece.due_on is None:
        return ""
    days = (piece.due_on - piece.submitted_on).days
    if days == 0:
        return "on the day it was due"
    return f"{plural(abs(days), 'day')} {'early' if days > 0 else 'late'}"


def _weight(piece: Piece) -> str:
    return f"weight {number(piece.weight)}%" if piece.weight else ""


def _silence(visits: Sequence[Visit], starts_on: date, as_of: date) -> Iterator[Entry]:
    """Long stretches of teaching without a visit, and the last visit."""
    if visits:
        last = visits[-1]
        yield Entry(last.day, "Last visit", plural(last.clicks, "click"), "click", "neutral")
    days = [max(visit.day, starts_on) for visit in visits] or [starts_on]
    for before, after in pairwise([*days, as_of]):
        away = (after - before).days
        if away < LONG_GAP_DAYS:
            continue
        begins = before + timedelta(days=1)
        until = "and none since" if after == as_of else f"until {after.day} {after:%B}"
        yield Entry(begins, f"No visit for {plural(away - (after != as_of), 'day')}", until, "wifi-off", "warn")


def _recorded(days: Sequence[Recorded]) -> Iterator[Entry]:
    """What tools outside have sent: one entry for a day."""
    for one in days:
        kinds = ", ".join(kind.replace("-", " ").replace("_", " ") for kind in one.kinds)
        yield Entry(one.day, f"{plural(one.count, 'learning record')} from other tools", kinds, "activity", "neutral")


def _absences(records: Records) -> Iterator[Entry]:
    for presence in records.attendance:
        if presence.status is AttendanceStatus.ABSENT:
            yield Entry(presence.day, f"Absent from {presence.title}", "", "calendar-event", "warn")


def _bands(history: Sequence[ScorePoint]) -> Iterator[Entry]:
    """Every change between bands, upwards as a warning."""
    for before, now in pairwise(history):
        if before.band is now.band:
            continue
        worse = _BAND_ORDER.index(now.band) > _BAND_ORDER.index(before.band)
        moved = f"{percent(before.probability)} to {percent(now.probability)}"
        title = f"Risk {'rose' if worse else 'fell'} to {now.band.value}"
        yield Entry(now.as_of, title, moved, "trending-up" if worse else "trending-down", "bad" if worse else "good")
