"""The gallery: every component with real variants, for those who write pages and for the tests that look at them.

Beside `pages` and not in it, because it has routes and the edge that makes routes draws its error pages with `pages`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final

from fastapi import Form, Query, Request, Response
from pydantic import BaseModel, Field

from academe.platform.http.dependencies import CurrentActor
from academe.platform.http.routing import page_router
from academe.platform.pages import charts
from academe.platform.pages.charts import ChartSpec, Series
from academe.platform.pages.contributions import Contribution, ContributionBars
from academe.platform.pages.flash import FlashKind, FlashMessage
from academe.platform.pages.forms import FormView, parse_form
from academe.platform.pages.render import redirect, render
from academe.platform.pages.tables import Column, Sort, TableView

router = page_router()

_TEMPLATE: Final = "platform/styleguide.html"
_STEPS: Final = 12


@dataclass(frozen=True, slots=True)
class SampleStudent:
    """One row of the sample worklist."""

    number: int
    band: str
    estimate: float
    low: float
    high: float
    change: float | None
    weeks: Sequence[float | None]
    last_active: date
    reasons: Sequence[str]

    @property
    def label(self) -> str:
        """How the student is called on the page."""
        return f"Student {self.number}"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One entry of the sample timeline."""

    moment: date
    title: str
    text: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class SampleCharts:
    """One chart of each kind."""

    activity: ChartSpec
    trend: ChartSpec
    distribution: ChartSpec
    attendance: ChartSpec
    lines: ChartSpec
    calibration: ChartSpec
    heatmap: ChartSpec


@dataclass(frozen=True, slots=True)
class StyleguidePage:
    """Context of the gallery."""

    students: TableView[SampleStudent]
    nobody: TableView[SampleStudent]
    form: FormView
    faulty_form: FormView
    field_labels: dict[str, str]
    charts: SampleCharts
    contributions: ContributionBars
    timeline: Sequence[TimelineEntry]
    today: date
    printed_at: datetime
    week: int
    search: str
    band: str
    step: int
    steps: int


class SampleForm(BaseModel):
    """The sample form: one rule of each kind."""

    name: str = Field(min_length=3, max_length=60)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")
    weight: int = Field(ge=0, le=100)


_STUDENTS: Final = (
    SampleStudent(
        11391, "critical", 0.84, 0.76, 0.9, 0.11, (40, 38, 22, 9, 3, 0, 0, 0), date(2014, 11, 9),
        ("No visit for 12 days", "First assignment not submitted"),
    ),
    SampleStudent(
        28400, "high", 0.58, 0.47, 0.68, 0.04, (31, 44, 28, 20, 17, 12, 9, 6), date(2014, 11, 19),
        ("Less active than 88% of the cohort", "Scored 41 on the first assignment"),
    ),
    SampleStudent(
        30268, "medium", 0.31, 0.22, 0.41, -0.06, (12, 9, 22, 18, 30, 26, 31, 28), date(2014, 11, 20),
        ("Registered late", "Activity is rising"),
    ),
    SampleStudent(
        31604, "low", 0.07, 0.04, 0.12, 0.003, (48, 52, 61, 40, 55, 66, 58, 60), date(2014, 11, 21),
        ("Visited on 6 of the last 7 days",),
    ),
    SampleStudent(
        32885, "low", 0.04, 0.02, 0.08, None, (None,) * 7 + (12,), date(2014, 11, 20), ("Joined this week",)
    ),
)  # fmt: skip

_COLUMNS: Final = (
    Column("student", "Student", sortable=True),
    Column("band", "Risk", sortable=True, descending_first=True),
    Column("probability", "Probability", sortable=True, descending_first=True, hide_below="sm"),
    Column("reasons", "Main reasons", hide_below="md"),
    Column("change", "Since last week", hide_below="lg"),
    Column("activity", "Activity", hide_below="lg"),
    Column("seen", "Last seen", sortable=True, align="end", hide_below="sm"),
    Column("actions", "Actions", label_hidden=True, align="end"),
)

_SORTABLE: Final = tuple(column.key for column in _COLUMNS if column.sortable)


def _sample_table(request: Request, sort: Sort, search: str, band: str) -> TableView[SampleStudent]:
    orders = {
        "student": lambda one: one.number,
        "band": lambda one: one.estimate,
        "probability": lambda one: one.estimate,
        "seen": lambda one: one.last_active,
    }
    rows = [one for one in _STUDENTS if search in one.label.lower() and band in ("", one.band)]
    rows.sort(key=orders[sort.key], reverse=sort.descending)
    return TableView(
        "sample-students",
        request.url,
        _COLUMNS,
        rows,
        sort=sort,
        next_cursor="sample" if len(rows) == len(_STUDENTS) else None,
        total=212 if len(rows) == len(_STUDENTS) else len(rows),
        row_id=lambda one: str(one.number),
    )


_WEEKS: Final = [f"Week {week}" for week in range(1, 13)]


def _activity_chart() -> ChartSpec:
    median = [110, 118, 104, 99, 96, 120, 92, 88, 84, 90, 101, 86]
    return charts.weekly_activity(
        _WEEKS,
        [142, 120, 96, 88, 64, 71, 30, 22, 12, 8, 0, 0],
        cohort_low=[value * 0.55 for value in median],
        cohort_median=median,
        cohort_high=[value * 1.6 for value in median],
        summary="Activity fell below the middle half of the cohort in week 7 and stopped in week 11.",
    )


def _trend_chart() -> ChartSpec:
    estimate = [None, 0.21, 0.24, 0.26, 0.33, 0.31, 0.44, 0.52, 0.63, 0.71, 0.8, 0.84]
    return charts.risk_trend(
        _WEEKS,
        estimate,
        low=[None if value is None else max(value - 0.1, 0) for value in estimate],
        high=[None if value is None else min(value + 0.09, 1) for value in estimate],
        summary="The probability of not completing rose from 21% to 84% in ten weeks.",
        thresholds={"medium": 0.25, "high": 0.5, "critical": 0.75},
    )


def _distribution_chart() -> ChartSpec:
    return charts.bars(
        [f"{low}\N{EN DASH}{low + 10}" for low in range(0, 100, 10)],
        [Series("Students", (2, 3, 6, 9, 14, 26, 41, 52, 38, 12))],
        summary="This student's 41 is in the lowest sixth of the scores.",
        category_name="Score",
        highlight=4,
    )


def _attendance_chart() -> ChartSpec:
    series = [
        Series("Present", (26, 25, 27, 24, 22, 23, 21, 20)),
        Series("Late", (2, 3, 1, 3, 4, 2, 3, 2)),
        Series("Absent", (2, 2, 2, 3, 4, 5, 6, 8)),
    ]
    summary = "Absences quadrupled within eight weeks."
    return charts.bars(_WEEKS[:8], series, summary=summary, category_name="Week", stacked=True)


def _retention_chart() -> ChartSpec:
    series = [
        Series("This offering", (0.97, 0.95, 0.94, 0.9, 0.88, 0.87, 0.85, 0.84)),
        Series("Last year", (0.98, 0.96, 0.93, 0.92, 0.9, 0.9, 0.89, 0.88)),
    ]
    summary = "Slightly more students have left than at the same time last year."
    return charts.lines(_WEEKS[:8], series, summary=summary, category_name="Week", as_percent=True)


def _sample_charts() -> SampleCharts:
    return SampleCharts(
        activity=_activity_chart(),
        trend=_trend_chart(),
        distribution=_distribution_chart(),
        attendance=_attendance_chart(),
        lines=_retention_chart(),
        calibration=charts.calibration_curve(
            [0.03, 0.12, 0.22, 0.34, 0.45, 0.56, 0.66, 0.77, 0.88, 0.95],
            [0.02, 0.13, 0.2, 0.36, 0.43, 0.58, 0.7, 0.75, 0.9, 0.96],
            [410, 220, 160, 120, 96, 80, 72, 60, 44, 30],
            summary="Predicted and observed shares differ by at most 4 points in every tenth.",
        ),
        heatmap=charts.heatmap(
            [f"{week}" for week in range(1, 9)],
            ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
            [[(day * 7 + week * 5) % 19 * (1 - week / 12) for week in range(8)] for day in range(7)],
            summary="Most work happens in the first weeks.",
            row_name="Day",
        ),
    )


def _contributions() -> ContributionBars:
    return ContributionBars.of(
        [
            Contribution("No visit for 12 days", 0.212, "the cohort's median is 2 days"),
            Contribution("First assignment not submitted", 0.168, "due 29 October 2014"),
            Contribution("Opened 14 of 61 resources so far", 0.074),
            Contribution("Completed another unit before", -0.058),
            Contribution("Registered 96 days before the start", -0.031),
        ]
    )


_TIMELINE: Final = (
    TimelineEntry(date(2014, 11, 18), "Became critical", "84%, up 11 points in a week", "flag", "bad"),
    TimelineEntry(
        date(2014, 11, 12), "E-mail sent by the advisor", "No answer yet", "mail", "neutral"
    ),
    TimelineEntry(
        date(2014, 10, 29), "First assignment not submitted", "Due at noon, weight 10%", "circle-x", "warn"
    ),
    TimelineEntry(date(2014, 10, 4), "Teaching began", "AAA, presentation 2014J", "school", "good"),
)  # fmt: skip

_LABELS: Final = {"name": "Name", "email": "E-mail address", "weight": "Weight"}
_GOOD_VALUES: Final = {
    "name": "First assignment",
    "email": "convenor@example.org",
    "weight": 10,
    "kind": "tutor",
    "days": ["mon", "wed"],
    "remind": True,
    "due": date(2014, 10, 29),
    "notes": "Submitted through the site.",
}


def _page(request: Request, form: FormView | None = None) -> StyleguidePage:
    query = request.query_params
    sort = Sort.parse(query.get("sort"), allowed=_SORTABLE, default=Sort("band", descending=True))
    search, band, week = query.get("q", ""), query.get("band", ""), query.get("week", "8")
    faulty = parse_form(SampleForm, {"name": "AB", "email": "convenor", "weight": "120"}).view
    return StyleguidePage(
        students=_sample_table(request, sort, search.lower(), band),
        nobody=TableView("sample-nobody", request.url, _COLUMNS, ()),
        form=form or FormView(_GOOD_VALUES),
        faulty_form=faulty,
        field_labels=_LABELS,
        charts=_sample_charts(),
        contributions=_contributions(),
        timeline=_TIMELINE,
        today=date(2014, 11, 21),
        printed_at=datetime(2014, 11, 21, 9, 30, tzinfo=UTC),
        week=int(week) if week.isdecimal() else 8,
        search=search,
        band=band,
        step=0,
        steps=_STEPS,
    )


@router.get("/styleguide")
async def show_styleguide(request: Request, _caller: CurrentActor) -> Response:
    """The gallery; sorting and filtering the sample table update it alone."""
    return render(request, _TEMPLATE, _page(request), block="students")


@router.post("/styleguide")
async def check_sample_form(
    request: Request,
    _caller: CurrentActor,
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
    weight: Annotated[str, Form()] = "",
) -> Response:
    """The sample form: errors come back beside their fields, success as a toast after a redirect."""
    parsed = parse_form(SampleForm, {"name": name, "email": email, "weight": weight})
    if parsed.data is None:
        return render(request, _TEMPLATE, _page(request, parsed.view), status=422)
    return redirect(request, "/styleguide#forms", f"{parsed.data.name} saved.")


@router.post("/styleguide/toast")
async def show_sample_toast(
    request: Request, _caller: CurrentActor, kind: Annotated[str, Form()] = "success"
) -> Response:
    """One toast of the kind asked for."""
    kinds: dict[str, FlashKind] = {"info": "info", "warning": "warning", "danger": "danger"}
    message = FlashMessage(kinds.get(kind, "success"), "This is how a message looks after a redirect.")
    return redirect(request, "/styleguide#feedback", message)


@dataclass(frozen=True, slots=True)
class SampleProgressPage:
    """Context of the block with live progress."""

    step: int
    steps: int


@router.get("/styleguide/progress")
async def show_sample_progress(
    request: Request, _caller: CurrentActor, step: Annotated[int, Query(ge=0, le=_STEPS)] = 0
) -> Response:
    """Live progress without a job behind it: every question is one step."""
    following = SampleProgressPage(min(step + 1, _STEPS), _STEPS)
    return render(request, "platform/styleguide_progress.html", following, block="progress")
