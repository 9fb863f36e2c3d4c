"""Charts as data: an ECharts option, the same numbers as a table, and one sentence that says what to see.

Colours are names of the style sheet's variables (`var(--chart-1)`) and number formats are names (`format:percent`);
the browser fills both in, so charts follow the light and the dark theme. A chart is never the only way to its numbers:
the table is what people without scripts and with screen readers get, and what the tooltip shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final, TypeAlias

from academe.platform.pages.filters import NOT_KNOWN, number, percent

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

OWN_COLOUR: Final = "var(--chart-1)"
COHORT_COLOUR: Final = "var(--chart-cohort)"
QUIET_COLOUR: Final = "var(--chart-quiet)"
SERIES_COLOURS: Final = tuple(f"var(--chart-{index})" for index in range(1, 7))


@dataclass(frozen=True, slots=True)
class ChartTable:
    """The numbers of a chart in words: one row per point of the horizontal axis, cells as they are read."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of the legend: a name and the colour variable it is drawn in, as an area or as a line."""

    name: str
    colour: str
    is_line: bool = False


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """Everything the chart macro needs. `summary` is one sentence with what a reader should take away."""

    option: Mapping[str, Json]
    table: ChartTable
    summary: str
    legend: Sequence[LegendEntry] = ()

    @property
    def data(self) -> Mapping[str, Json]:
        """What the browser gets."""
        return {
            "option": self.option,
            "columns": list(self.table.columns),
            "rows": [list(row) for row in self.table.rows],
        }


@dataclass(frozen=True, slots=True)
class Series:
    """Named numbers, one per category; None where nothing is known."""

    name: str
    values: Sequence[float | None]


def _rounded(values: Sequence[float | None], places: int = 4) -> list[float | None]:
    return [None if value is None else round(value, places) for value in values]


def _differences(high: Sequence[float | None], low: Sequence[float | None]) -> list[float | None]:
    return [
        None if upper is None or lower is None else round(upper - lower, 4)
        for upper, lower in zip(high, low, strict=True)
    ]


def _band(name: str, low: Sequence[float | None], high: Sequence[float | None], colour: str) -> list[Json]:
    """An area between two lines: an invisible base and the difference stacked upon it."""
    base: dict[str, Json] = {
        "type": "line",
        "stack": name,
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
    }
    return [
        base | {"name": f"{name} from", "data": _rounded(low)},
        base
        | {
            "name": name,
            "data": _differences(high, low),
            "areaStyle": {"color": colour, "opacity": 1},
            "color": colour,
        },
    ]


def _median(values: Sequence[float | None]) -> dict[str, Json]:
    return {
        "type": "line",
        "name": "Cohort median",
        "data": _rounded(values),
        "symbol": "none",
        "lineStyle": {"color": QUIET_COLOUR, "type": "dashed", "width": 1.5},
        "itemStyle": {"color": QUIET_COLOUR},
    }


def _front_bars(name: str, values: Sequence[float | None]) -> dict[str, Json]:
    return {
        "type": "bar",
        "name": name,
        "data": _rounded(values),
        "itemStyle": {"color": OWN_COLOUR, "borderRadius": [2, 2, 0, 0]},
        "barMaxWidth": 18,
        "z": 3,
    }


def weekly_activity(
    weeks: Sequence[str],
    own: Sequence[float | None],
    *,
    cohort_low: Sequence[float | None],
    cohort_median: Sequence[float | None],
    cohort_high: Sequence[float | None],
    summary: str,
    unit: str = "clicks",
    own_name: str = "This student",
    cohort_name: str = "Middle half of the cohort",
) -> ChartSpec:
    """One student's weekly activity as bars before the band in which the middle half of the cohort lies.

    All sequences have one value per week; `cohort_low` and `cohort_high` are the first and third quartile.
    """
    series: list[Json] = [
        *_band(cohort_name, cohort_low, cohort_high, COHORT_COLOUR),
        _median(cohort_median),
        _front_bars(own_name, own),
    ]
    rows = [
        (week, number(mine), number(median), f"{number(low)}{NOT_KNOWN}{number(high)}")
        for week, mine, median, low, high in zip(weeks, own, cohort_median, cohort_low, cohort_high, strict=True)
    ]
    columns = ("Week", f"{own_name} ({unit})", "Cohort median", cohort_name)
    legend = (
        LegendEntry(cohort_name, COHORT_COLOUR),
        LegendEntry("Cohort median", QUIET_COLOUR, is_line=True),
        LegendEntry(own_name, OWN_COLOUR),
    )
    return ChartSpec(_axes(weeks, series), ChartTable(columns, rows), summary, legend)


def risk_trend(
    days: Sequence[str],
    estimate: Sequence[float | None],
    *,
    low: Sequence[float | None],
    high: Sequence[float | None],
    summary: str,
    thresholds: Mapping[str, float] | None = None,
) -> ChartSpec:
    """A probability over time with its interval; `thresholds` draws the lower edges of the bands by name."""
    lines: list[Json] = [
        {"yAxis": edge, "name": name, "label": {"formatter": name, "position": "end"}}
        for name, edge in (thresholds or {}).items()
    ]
    series: list[Json] = [
        *_band("Interval", low, high, COHORT_COLOUR),
        {
            "type": "line",
            "name": "Probability",
            "data": _rounded(estimate),
            "symbol": "circle",
            "symbolSize": 6,
            "lineStyle": {"color": OWN_COLOUR, "width": 2},
            "itemStyle": {"color": OWN_COLOUR},
            "markLine": {"silent": True, "symbol": "none", "data": lines},
        },
    ]
    rows = [
        (day, percent(middle), f"{percent(lower)} to {percent(upper)}")
        for day, middle, lower, upper in zip(days, estimate, low, high, strict=True)
    ]
    option = _axes(days, series, value_format="percent", maximum=1)
    # The names of the bands stand beside the drawing, where the line cannot run through them.
    option["grid"] = {"right": 56 if thresholds else 12}
    return ChartSpec(option, ChartTable(("As of", "Probability", "Interval"), rows), summary)


def bars(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    summary: str,
    category_name: str,
    stacked: bool = False,
    places: int = 0,
    highlight: int | None = None,
) -> ChartSpec:
    """Bars per category: counts, distributions, attendance by week; `highlight` is the index of one that stands out."""
    drawn: list[Json] = []
    for index, one in enumerate(series):
        colour = SERIES_COLOURS[index % len(SERIES_COLOURS)]
        data: list[Json] = list(_rounded(one.values))
        if highlight is not None:
            colour = QUIET_COLOUR
            data[highlight] = {"value": one.values[highlight], "itemStyle": {"color": OWN_COLOUR}}
        drawn.append(
            {
                "type": "bar",
                "name": one.name,
                "data": data,
                "itemStyle": {"color": colour, "borderRadius": 0 if stacked else [2, 2, 0, 0]},
                "barMaxWidth": 32,
                "stack": "all" if stacked else None,
            }
        )
    rows = [
        (category, *(number(one.values[index], places) for one in series)) for index, category in enumerate(categories)
    ]
    table = ChartTable((category_name, *(one.name for one in series)), rows)
    return ChartSpec(_axes(categories, drawn), table, summary, _legend(series, is_line=False))


def lines(
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    summary: str,
    category_name: str,
    as_percent: bool = False,
    places: int = 0,
) -> ChartSpec:
    """Lines over categories that have an order, such as weeks; `as_percent` for shares between 0 and 1."""
    drawn: list[Json] = [
        {
            "type": "line",
            "name": one.name,
            "data": _rounded(one.values),
            "symbol": "circle",
            "symbolSize": 5,
            "lineStyle": {"color": colour, "width": 2},
            "itemStyle": {"color": colour},
        }
        for one, colour in zip(series, cycle(SERIES_COLOURS), strict=False)
    ]
    rows = [
        (
            category,
            *(percent(s.values[index]) if as_percent else number(s.values[index], places) for s in series),
        )
        for index, category in enumerate(categories)
    ]
    table = ChartTable((category_name, *(one.name for one in series)), rows)
    value_format = "percent" if as_percent else "number"
    option = _axes(categories, drawn, value_format=value_format)
    return ChartSpec(option, table, summary, _legend(series, is_line=True))


def calibration_curve(
    predicted: Sequence[float], observed: Sequence[float], counts: Sequence[int], *, summary: str
) -> ChartSpec:
    """Mean predicted probability against the observed share per bin, beside the diagonal of perfect calibration."""
    axis: dict[str, Json] = {
        "type": "value",
        "min": 0,
        "max": 1,
        "interval": 0.25,
        "axisLabel": {"formatter": "format:percent"},
        "nameLocation": "middle",
    }
    largest = max(counts, default=1)
    points: list[Json] = [
        {"value": [round(p, 4), round(o, 4)], "symbolSize": round(7 + 15 * (n / largest) ** 0.5, 1)}
        for p, o, n in zip(predicted, observed, counts, strict=True)
    ]
    diagonal: dict[str, Json] = {
        "type": "line",
        "name": "Perfect calibration",
        "data": [[0, 0], [1, 1]],
        "symbol": "none",
        "silent": True,
        "lineStyle": {"color": QUIET_COLOUR, "type": "dashed", "width": 1.5},
    }
    option: dict[str, Json] = {
        "tooltip": {"trigger": "item"},
        "xAxis": axis | {"name": "Predicted", "nameGap": 28},
        "yAxis": axis | {"name": "Observed", "nameGap": 40},
        "series": [
            {"type": "scatter", "name": "Students", "data": points, "itemStyle": {"color": OWN_COLOUR}},
            diagonal,
        ],
    }
    rows = [(percent(p, 1), percent(o, 1), number(n)) for p, o, n in zip(predicted, observed, counts, strict=True)]
    legend = (
        LegendEntry("A tenth of the students", OWN_COLOUR),
        LegendEntry("Perfect calibration", QUIET_COLOUR, is_line=True),
    )
    return ChartSpec(option, ChartTable(("Predicted", "Observed", "Students"), rows), summary, legend)


def heatmap(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    summary: str,
    row_name: str,
    places: int = 0,
) -> ChartSpec:
    """A grid of shaded cells; `values[r][c]` belongs to row r and column c."""
    cells: list[Json] = [
        [column, row, value]
        for row, line in enumerate(values)
        for column, value in enumerate(line)
        if value is not None
    ]
    highest = max((value for line in values for value in line if value is not None), default=1.0)
    axis: dict[str, Json] = {"type": "category", "splitLine": {"show": False}, "axisLine": {"show": False}}
    option: dict[str, Json] = {
        "tooltip": {"trigger": "item"},
        "xAxis": axis | {"data": list(columns)},
        "yAxis": axis | {"data": list(rows), "inverse": True},
        "visualMap": {
            "show": False,
            "min": 0,
            "max": highest or 1.0,
            "inRange": {"color": ["var(--chart-heat-0)", "var(--chart-heat-1)"]},
        },
        "series": [{"type": "heatmap", "data": cells, "itemStyle": {"borderWidth": 2, "borderRadius": 3}}],
    }
    cell_rows = [(name, *(number(value, places) for value in line)) for name, line in zip(rows, values, strict=True)]
    return ChartSpec(option, ChartTable((row_name, *columns), cell_rows), summary)


def _legend(series: Sequence[Series], *, is_line: bool) -> tuple[LegendEntry, ...]:
    """Names with their colours in turn; a single series needs none, the title names it."""
    if len(series) < 2:
        return ()
    return tuple(
        LegendEntry(one.name, SERIES_COLOURS[index % len(SERIES_COLOURS)], is_line) for index, one in enumerate(series)
    )


def _axes(
    categories: Sequence[str],
    series: Sequence[Json],
    *,
    value_format: str = "number",
    maximum: float | None = None,
) -> dict[str, Json]:
    """Categories across, values upwards."""
    return {
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": list(categories)},
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": maximum,
            "axisLabel": {"formatter": f"format:{value_format}"},
        },
        "series": list(series),
    }
