"""The picture of a student in an offering as of a day: charts, reasons, coursework and what it is all based on."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from academe.academics.types import AttendanceStatus
from academe.insight.cards import ModelCard, WeekMetrics
from academe.insight.reasons import Reason, reasons_of
from academe.insight.student.access import Taken
from academe.insight.student.class_figures import ClassFigures
from academe.insight.student.next_steps import NextStep, next_steps_of
from academe.insight.student.records import FullScore, Piece, Presence, Records
from academe.insight.student.timeline import Entry, timeline_of, timing
from academe.insight.student.words import times
from academe.insight.types import BAND_FLOORS
from academe.insight.weeks import Week
from academe.platform.pages import ChartSpec
from academe.platform.pages.charts import risk_trend, weekly_activity
from academe.platform.pages.contributions import Contribution, ContributionBar, ContributionBars
from academe.platform.pages.filters import percent, plural

SHOWN_REASONS = 6
"""Contributions with a bar of their own; the rest are added up."""


@dataclass(frozen=True, slots=True)
class ReasonBar:
    """A contribution with its label, its bar and what it does to the odds."""

    label: str
    bar: ContributionBar
    odds: str


@dataclass(frozen=True, slots=True)
class CourseworkRow:
    """An assessment: how it stands in words with a tone, the score and the class's median."""

    title: str
    due_on: date | None
    weight: float
    state: str
    tone: str
    timing: str
    score: float | None
    max_score: float
    median: float | None


@dataclass(frozen=True, slots=True)
class AttendanceSummary:
    """How often a student came to the meetings for which attendance was taken."""

    came: int
    late: int
    absent: int
    excused: int

    @property
    def share(self) -> float | None:
        """Of the meetings that were not excused, those attended, late or not."""
        counted = self.came + self.late + self.absent
        return (self.came + self.late) / counted if counted else None


@dataclass(frozen=True, slots=True)
class Basis:
    """What the score is based on: the model, its card, and how good it was in the week nearest to this one."""

    score: FullScore
    card: ModelCard
    metrics: WeekMetrics | None


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything a page shows of one student in one offering; nothing in it is from after the day."""

    week: Week
    records: Records
    reasons: Sequence[ReasonBar]
    rest: ReasonBar | None
    baseline: Reason | None
    change: float | None
    trend: ChartSpec | None
    activity: ChartSpec | None
    coursework: Sequence[CourseworkRow]
    attendance: AttendanceSummary | None
    timeline: Sequence[Entry]
    next_steps: Sequence[NextStep]
    basis: Basis | None

    @property
    def start(self) -> float | None:
        """The probability before anything is known of the student, from what the class as a whole contributes."""
        return 1 / (1 + math.exp(-self.baseline.contribution)) if self.baseline else None

    @property
    def handed_in(self) -> tuple[int, int]:
        """Of the coursework due by the day: handed in (or carried over), and due."""
        due = [piece for piece in self.records.pieces if piece.due_on and piece.due_on <= self.week.as_of]
        return sum(not piece.is_missing(self.week.as_of) for piece in due), len(due)

    @property
    def mean_score(self) -> float | None:
        """The mean of the known scores as a share of what was possible, weighted where weights are set."""
        known = [
            (piece.score / piece.max_score, piece.weight) for piece in self.records.pieces if piece.score is not None
        ]
        weight = sum(each for _, each in known)
        if not known:
            return None
        return sum(s * w for s, w in known) / weight if weight else sum(s for s, _ in known) / len(known)


def picture_of(
    taken: Taken, week: Week, records: Records, of_class: ClassFigures, *, own: bool, with_bands: bool
) -> Picture:
    """Put records and figures together; `own` speaks to the student, `with_bands` tells of changes between bands."""
    score = records.score
    bars, rest, baseline = _reasons(score)
    before = [point for point in records.history if score and point.as_of < score.point.as_of]
    return Picture(
        week=week,
        records=records,
        reasons=bars,
        rest=rest,
        baseline=baseline,
        change=score.point.probability - before[-1].probability if score and before else None,
        trend=_trend(taken, records, with_bands=with_bands),
        activity=_activity(taken, week, records, of_class, own=own),
        coursework=[_coursework(piece, week.as_of, of_class.medians) for piece in records.pieces],
        attendance=_attendance(records.attendance),
        timeline=timeline_of(records, starts_on=taken.starts_on, with_bands=with_bands),
        next_steps=next_steps_of(records, ends_on=taken.ends_on),
        basis=_basis(score, week),
    )


def _reasons(score: FullScore | None) -> tuple[Sequence[ReasonBar], ReasonBar | None, Reason | None]:
    if score is None:
        return (), None, None
    themes, baseline = reasons_of(score.factors)
    shown, others = themes[:SHOWN_REASONS], themes[SHOWN_REASONS:]
    parts = [Contribution(one.sentence, one.contribution) for one in shown]
    if others:
        names = ", ".join(one.label.lower() for one in others)
        parts.append(Contribution(f"Everything else together: {names}.", sum(one.contribution for one in others)))
    bars = {bar.contribution.sentence: bar for bar in ContributionBars.of(parts, unit="odds").bars}
    labels = [one.label for one in shown] + (["The rest"] if others else [])
    made = [ReasonBar(label, bars[part.sentence], times(part.value)) for label, part in zip(labels, parts, strict=True)]
    return made[: len(shown)], made[len(shown)] if others else None, baseline


def _trend(taken: Taken, records: Records, *, with_bands: bool) -> ChartSpec | None:
    history = records.history
    if len(history) < 2:
        return None
    first, last = history[0].probability, history[-1].probability
    moved = "stayed at about" if abs(last - first) < 0.03 else "rose" if last > first else "fell"
    how = (
        f"{moved} {percent(last)}"
        if moved.startswith("stayed")
        else f"{moved} from {percent(first)} to {percent(last)}"
    )
    edges = {band.value: floor for floor, band in BAND_FLOORS if floor} if with_bands else None
    return risk_trend(
        [f"Week {(point.as_of - taken.starts_on).days // 7}" for point in history],
        [point.probability for point in history],
        low=[point.lower for point in history],
        high=[point.upper for point in history],
        summary=f"The probability {how} over {plural(len(history), 'score')}.",
        thresholds=edges,
    )


def _activity(taken: Taken, week: Week, records: Records, of_class: ClassFigures, *, own: bool) -> ChartSpec | None:
    weeks = range(1, -(-(week.as_of - taken.starts_on).days // 7) + 1)
    if not weeks:
        return None
    done = dict.fromkeys(weeks, 0)
    for visit in records.visits:
        number = -(-(visit.day - taken.starts_on).days // 7)
        if number in done:
            done[number] += visit.clicks
    low, median, high = (
        [getattr(of_class.weeks.get(number), name, None) for number in weeks] for name in ("low", "median", "high")
    )
    return weekly_activity(
        [f"Week {number}" for number in weeks],
        [done[number] for number in weeks],
        cohort_low=low,
        cohort_median=median,
        cohort_high=high,
        summary=_compared([done[number] for number in weeks], low, high, own=own),
        own_name="You" if own else "This student",
        cohort_name="Middle half of the class",
    )


def _compared(done: Sequence[int], low: Sequence[float | None], high: Sequence[float | None], *, own: bool) -> str:
    recent = list(zip(done, low, high, strict=True))[-4:]
    below = sum(1 for mine, least, _ in recent if least is not None and mine < least)
    above = sum(1 for mine, _, most in recent if most is not None and mine > most)
    who = "Your activity was" if own else "Activity was"
    span = f"the last {plural(len(recent), 'week')}" if len(recent) > 1 else "the first week"
    if not any(least is not None for _, least, _ in recent):
        return "The class is too small to compare with."
    if below == above == 0:
        return f"{who} within the middle half of the class in {span}."
    if below >= above:
        return f"{who} below the middle half of the class in {below} of {span}."
    return f"{who} above the middle half of the class in {above} of {span}."


def _coursework(piece: Piece, day: date, medians: Mapping[UUID, float]) -> CourseworkRow:
    state, tone = _state(piece, day)
    return CourseworkRow(
        title=piece.title,
        due_on=piece.due_on,
        weight=piece.weight,
        state=state,
        tone=tone,
        timing=timing(piece),
        score=piece.score,
        max_score=piece.max_score,
        median=medians.get(piece.assessment_id),
    )


def _state(piece: Piece, day: date) -> tuple[str, str]:
    if piece.carried_over:
        return "Carried over", "neutral"
    if piece.score is not None:
        return "Marked", "good"
    if piece.submitted_on is not None:
        return "Handed in", "good"
    if piece.is_missing(day):
        return "Not handed in", "bad"
    return "To come", "neutral"


def _attendance(presences: Sequence[Presence]) -> AttendanceSummary | None:
    if not presences:
        return None
    counts = {status: sum(one.status is status for one in presences) for status in AttendanceStatus}
    return AttendanceSummary(
        counts[AttendanceStatus.PRESENT],
        counts[AttendanceStatus.TARDY],
        counts[AttendanceStatus.ABSENT],
        counts[AttendanceStatus.EXCUSED],
    )


def _basis(score: FullScore | None, week: Week) -> Basis | None:
    if score is None:
        return None
    card = ModelCard.model_validate(score.card)
    nearest = min(card.metrics, key=lambda one: abs(one.week - week.number), default=None)
    return Basis(score, card, nearest)
