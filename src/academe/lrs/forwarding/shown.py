"""What pages show of forwards, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from academe.lrs.forwarding.access import OneForward, ShownForward
from academe.lrs.forwarding.queries import WAITING_AT_MOST, Forward, Letter
from academe.lrs.forwarding.types import ForwardState, PauseReason
from academe.platform.pages import ChartSpec, Column, FormView, Series, TableView
from academe.platform.pages.charts import bars
from academe.platform.pages.filters import moment, number, plural

LIST: Final = "/lrs/forwards"

COLUMNS: Final = (
    Column("name", "Forward"),
    Column("state", "State"),
    Column("behind", "Behind"),
    Column("hour", "Last hour", hide_below="sm"),
    Column("letters", "Refused", hide_below="md"),
)
LETTER_COLUMNS: Final = (Column("letter", "Newest first; times in UTC"),)


_TONES: Final = {ForwardState.ACTIVE: "good", ForwardState.FAILING: "warn", ForwardState.PAUSED: "neutral"}
_PAUSES: Final = {
    PauseReason.PERSON: "Somebody has paused it.",
    PauseReason.CREDENTIALS: "The other store does not accept its credentials. Give it others, then resume it.",
    PauseReason.EVERYTHING_REFUSED: (
        "The other store refuses one statement after the other. See below what it says, mend that, then resume it."
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A forward with its words."""

    shown: ShownForward

    @property
    def forward(self) -> Forward:
        """The forward itself."""
        return self.shown.forward

    @property
    def href(self) -> str:
        """Its page."""
        return f"{LIST}/{self.forward.id}"

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return _TONES[self.forward.state]

    @property
    def behind_seconds(self) -> float:
        """The age of what it should have looked at."""
        return self.shown.behind.seconds(self.shown.now)

    @property
    def behind(self) -> str:
        """How far it is behind, in words."""
        seconds = self.behind_seconds
        if seconds < 1:
            return "up to date"
        for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
            if seconds >= 2 * size:
                return f"{number(seconds / size)} {unit}"
        return f"{number(seconds)} s"

    @property
    def waiting(self) -> str:
        """How many statements it has not looked at."""
        count = self.shown.behind.statements
        return f"{'more than ' if count >= WAITING_AT_MOST else ''}{plural(count, 'statement')}"


@dataclass(frozen=True, slots=True)
class ForwardsPage:
    """The forwards that the actor may see."""

    table: TableView[Row]
    can_add: bool


@dataclass(frozen=True, slots=True)
class ForwardPage:
    """One forward; `letters` are those of this page of the list."""

    row: Row
    one: OneForward
    letters: TableView[Letter]
    can_change: bool
    can_read: bool
    live_href: str

    @property
    def pause(self) -> str:
        """Why it sends nothing; empty when it does."""
        reason = self.row.forward.pause_reason
        return "" if reason is None else _PAUSES[reason]

    @property
    def chart(self) -> ChartSpec:
        """The last hour."""
        delivered = sum(each[1] for each in self.one.minutes)
        failed = sum(each[2] for each in self.one.minutes)
        said = f"{plural(delivered, 'statement')} in the last hour; {plural(failed, 'request')} failed."
        return bars(
            [f"{each[0]:%H:%M}" for each in self.one.minutes],
            [
                Series("Statements", [each[1] for each in self.one.minutes]),
                Series("Requests failed", [each[2] for each in self.one.minutes]),
            ],
            summary=said,
            category_name="Minute (UTC)",
        )

    @property
    def answers(self) -> Sequence[tuple[datetime, str, str, int, int]]:
        """The last answers: when, the status, its colour, statements, milliseconds."""
        return [
            (
                datetime.fromisoformat(each["at"]),
                str(each["status"]) if each["status"] is not None else each["said"] or "no answer",
                "good" if each["status"] == 200 else "warn",
                each["statements"],
                each["milliseconds"],
            )
            for each in self.row.forward.answers
        ]

    @property
    def conditions(self) -> Sequence[tuple[str, str]]:
        """What it lets through, in words."""
        wanted = self.row.forward.filter
        people = ", ".join(self.one.agents) if self.one.agents else plural(len(wanted.agents), "agent")
        said = (
            ("Senders", ", ".join(self.one.senders)),
            ("Verbs", ", ".join(wanted.verbs)),
            ("Activities", ", ".join(wanted.activities)),
            ("Types of activities", ", ".join(wanted.activity_types)),
            ("Agents", people if wanted.agents else ""),
            ("Registration", str(wanted.registration or "")),
        )
        start = self.row.forward.starts_after + timedelta(microseconds=1)
        since = "the beginning" if start.year <= 1970 else f"{moment(start)} UTC"
        return [
            *(each for each in said if each[1]),
            ("Statements that void", "travel" if wanted.voiding else "stay here"),
            ("Statements about statements", "travel" if wanted.references else "stay here"),
            ("Stored since", since),
        ]


@dataclass(frozen=True, slots=True)
class ForwardFormPage:
    """The form; `institutions` and `senders` are those to choose from. `name` and `href` are of one that is changed."""

    form: FormView
    versions: Sequence[tuple[str, str]]
    starts: Sequence[tuple[str, str, str]]
    senders: Sequence[tuple[str, str, str]]
    institutions: Sequence[tuple[str, str]]
    name: str = ""
    href: str = ""
