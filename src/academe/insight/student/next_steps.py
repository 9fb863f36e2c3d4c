"""What a student can do next, from the student's own records: offers of help, not effects that were measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from academe.insight.student.records import Piece, Records
from academe.platform.pages.filters import ago, number, short_day

QUIET_DAYS = 7
"""Days without a visit from which on a visit is the first thing to suggest."""

SHOWN = 3
"""Missing pieces that are named one by one."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """One suggestion with its icon."""

    icon: str
    text: str


def next_steps_of(records: Records, *, ends_on: date) -> Sequence[NextStep]:
    """Suggestions, the most pressing first; never none."""
    if records.as_of >= ends_on:
        return [NextStep("message-circle", "Teaching is over. Ask your teacher if a result is unclear.")]
    return [*_missing(records), *_visit(records), *_coming(records), _talk(records)]


def _missing(records: Records) -> Iterator[NextStep]:
    missing = [piece for piece in records.pieces if piece.is_missing(records.as_of)]
    for piece in missing[-SHOWN:]:
        yield NextStep(
            "circle-x",
            f"{piece.title} was due on {short_day(piece.due_on)} and is not handed in."
            " Ask your teacher today whether it still counts; late is often better than not at all.",
        )


def _visit(records: Records) -> Iterator[NextStep]:
    last = records.last_visit
    if last is None:
        yield NextStep("click", "You have not opened the offering yet. A first look takes ten minutes.")
    elif (records.as_of - last).days >= QUIET_DAYS:
        yield NextStep(
            "click", f"Your last visit was {ago(last, records.as_of)}. Start small: open this week's material."
        )


def _coming(records: Records) -> Iterator[NextStep]:
    coming = [piece for piece in records.pieces if _is_open(piece, records.as_of)]
    if coming:
        piece = coming[0]
        weight = f" It counts {number(piece.weight)}% of your mark." if piece.weight else ""
        yield NextStep("calendar-event", f"{piece.title} is due {ago(piece.due_on, records.as_of)}.{weight}")


def _is_open(piece: Piece, day: date) -> bool:
    return piece.due_on is not None and piece.due_on > day and piece.submitted_on is None and not piece.carried_over


def _talk(records: Records) -> NextStep:
    if records.score is not None and records.score.point.probability >= 0.5:
        return NextStep(
            "message-circle",
            "Talk to your advisor this week, before things pile up. You need no reason but that you would like to.",
        )
    return NextStep("message-circle", "If something makes studying hard just now, your advisor is there for that too.")
