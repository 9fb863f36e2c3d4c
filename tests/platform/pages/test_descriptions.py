"""The typed descriptions that macros draw: filters, tables, forms, charts, small drawings."""

from datetime import UTC, date, datetime

import pytest
from pydantic import BaseModel, Field, field_validator
from starlette.datastructures import URL, FormData

from academe.platform.errors import FieldError
from academe.platform.pages import (
    Column,
    Contribution,
    ContributionBars,
    FormView,
    PageKit,
    Series,
    Sort,
    TableView,
    charts,
    filters,
    parse_form,
)
from academe.platform.pages.charts import ChartSpec
from academe.platform.pages.drawing import interval_bar, sparkline_path


class TestFilters:
    @pytest.mark.parametrize(
        ("value", "shown"), [(0.42, "42%"), (0, "0%"), (1, "100%"), (0.0004, "<1%"), (0.9999, ">99%"), (None, "–")]
    )
    def test_percent_never_claims_certainty(self, value: float | None, shown: str) -> None:
        assert filters.percent(value) == shown

    def test_percent_with_places(self) -> None:
        assert filters.percent(0.12345, 1) == "12.3%"
        assert filters.percent(0.9996, 1) == ">99.9%"

    @pytest.mark.parametrize(
        ("value", "shown"), [(3, "+3"), (-3, "\N{MINUS SIGN}3"), (0, "±0"), (0.2, "±0"), (-0.2, "±0"), (None, "–")]
    )
    def test_signed(self, value: float | None, shown: str) -> None:
        assert filters.signed(value) == shown

    def test_points(self) -> None:
        assert filters.points(0.041) == "+4\N{NO-BREAK SPACE}points"
        assert filters.points(-0.01) == "\N{MINUS SIGN}1\N{NO-BREAK SPACE}point"

    def test_numbers_and_plurals(self) -> None:
        assert filters.number(1234567.891) == "1,234,568"
        assert filters.number(float("nan")) == "–"
        assert filters.plural(1, "student") == "1 student"
        assert filters.plural(2100, "person", "people") == "2,100 people"

    def test_dates(self) -> None:
        moment = datetime(2013, 10, 9, 14, 5, tzinfo=UTC)
        assert filters.day(moment) == "9 October 2013"
        assert filters.short_day(date(2013, 10, 9)) == "9 Oct 2013"
        assert filters.moment(moment) == "9 Oct 2013, 14:05"
        assert filters.iso(moment) == "2013-10-09T14:05:00+00:00"

    @pytest.mark.parametrize(
        ("days", "shown"),
        [
            (0, "today"),
            (1, "yesterday"),
            (12, "12 days ago"),
            (35, "5 weeks ago"),
            (200, "6 months ago"),
            (729, "24 months ago"),
            (731, "2 years ago"),
            (4018, "11 years ago"),
            (-1, "tomorrow"),
        ],
    )
    def test_ago(self, days: int, shown: str) -> None:
        today = date(2014, 11, 21)
        assert filters.ago(date.fromordinal(today.toordinal() - days), today) == shown

    def test_initials_of_people_and_numbers(self) -> None:
        assert filters.initials("Student 11391") == "91"
        assert filters.initials("Ada Maria Okafor") == "AO"
        assert filters.initials("") == "?"
        assert {filters.tint(f"Student {n}") for n in range(100)} == {1, 2, 3, 4, 5, 6}


COLUMNS = (
    Column("name", "Name", sortable=True),
    Column("clicks", "Clicks", sortable=True, align="end", descending_first=True, hide_below="md"),
)


def table(
    url: str, *, sort: Sort | None = None, next_cursor: str | None = None, previous_cursor: str | None = None
) -> TableView[int]:
    return TableView(
        "students", URL(url), COLUMNS, (1, 2), sort=sort, next_cursor=next_cursor, previous_cursor=previous_cursor
    )


class TestTable:
    def test_a_header_sorts_by_its_column_and_then_the_other_way(self) -> None:
        first = table("http://a.test/x?q=ada&cursor=abc", sort=Sort("name"))
        assert first.sort_href(COLUMNS[0]) == "/x?q=ada&sort=-name"
        assert first.sort_href(COLUMNS[1]) == "/x?q=ada&sort=-clicks"
        assert first.aria_sort(COLUMNS[0]) == "ascending"
        assert first.aria_sort(COLUMNS[1]) is None

    def test_neighbours_keep_filter_and_order(self) -> None:
        shown = table("http://a.test/x?q=ada&sort=-name&cursor=old", next_cursor="n w", previous_cursor="p")
        assert shown.next_href == "/x?q=ada&sort=-name&cursor=n+w"
        assert shown.previous_href == "/x?q=ada&sort=-name&cursor=p"
        assert table("http://a.test/x").next_href is None

    def test_knows_whether_it_is_filtered(self) -> None:
        assert table("http://a.test/x?q=ada").is_filtered
        assert not table("http://a.test/x?sort=-name&cursor=n").is_filtered
        assert not table("http://a.test/x?q=&sort=name").is_filtered

    def test_classes_of_cells(self) -> None:
        assert table("http://a.test/x").css("clicks") == "cell-end hide-below-md"
        with pytest.raises(KeyError, match="no column 'marks'"):
            table("http://a.test/x").css("marks")

    @pytest.mark.parametrize(
        ("text", "key", "descending"),
        [("-clicks", "clicks", True), ("clicks", "clicks", False), ("evil", "name", False), (None, "name", False)],
    )
    def test_sort_is_read_from_the_address(self, text: str | None, key: str, descending: bool) -> None:
        assert Sort.parse(text, allowed=("name", "clicks"), default=Sort("name")) == Sort(key, descending)


class Enrolment(BaseModel):
    number: int = Field(gt=0)
    note: str = "none"
    days: list[str] = Field(default_factory=list)

    @field_validator("note")
    @classmethod
    def _no_shouting(cls, value: str) -> str:
        if value.isupper():
            raise ValueError("Please do not shout.")
        return value


class TestParsedForm:
    def test_blank_fields_take_their_default(self) -> None:
        parsed = parse_form(Enrolment, FormData([("number", "7"), ("note", ""), ("days", "mon"), ("days", "wed")]))
        assert parsed.data == Enrolment(number=7, note="none", days=["mon", "wed"])
        assert not parsed.view.has_errors

    def test_faults_are_sentences_beside_their_fields(self) -> None:
        parsed = parse_form(Enrolment, {"number": "-1", "note": "LOUD"})
        assert parsed.data is None
        assert parsed.view.errors_of("number") == ["Please give more than 0."]
        assert parsed.view.errors_of("note") == ["Please do not shout."]
        assert parsed.view.value("note") == "LOUD"

    def test_a_required_blank_field(self) -> None:
        assert parse_form(Enrolment, {"number": ""}).view.errors_of("number") == ["Please fill this in."]

    def test_errors_found_later_are_added(self) -> None:
        view = FormView({"number": 1}).with_errors([FieldError("number", "is taken"), FieldError("", "Full.")])
        assert view.errors_of("number") == ["is taken"]
        assert view.general_errors == ["Full."]

    def test_choices(self) -> None:
        view = FormView({"days": ["mon"], "kind": 3, "on": True})
        assert view.selected("days", "mon")
        assert not view.selected("days", "tue")
        assert view.selected("kind", "3")
        assert view.checked("on")
        assert not view.checked("off")


class TestCharts:
    def test_the_table_has_every_point(self) -> None:
        spec = charts.weekly_activity(
            ["1", "2"], [5, None], cohort_low=[1, 2], cohort_median=[2, 3], cohort_high=[4, 6], summary="Less."
        )
        assert [tuple(row) for row in spec.table.rows] == [("1", "5", "2", "1–4"), ("2", "–", "3", "2–6")]

    def test_unequal_lengths_are_refused(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            charts.risk_trend(["1"], [0.1, 0.2], low=[0, 0], high=[1, 1], summary="")

    @pytest.mark.parametrize(
        "spec",
        [
            charts.risk_trend(["1"], [0.3], low=[0.2], high=[None], summary="s", thresholds={"high": 0.5}),
            charts.bars(["a"], [Series("n", [3]), Series("m", [4])], summary="s", category_name="c", stacked=True),
            charts.lines(["a"], [Series("n", [0.3])], summary="s", category_name="c", as_percent=True),
            charts.calibration_curve([0.1], [0.2], [10], summary="s"),
            charts.heatmap(["a"], ["b"], [[None]], summary="s", row_name="r"),
        ],
    )
    def test_every_kind_can_be_sent(self, kit: PageKit, spec: ChartSpec) -> None:
        html = kit.environment.from_string("{{ ui.chart(spec, 'Title') }}").render(spec=spec)
        assert "data-spec='{" in html
        assert "<script" not in html  # htmx takes script elements out of what it brings
        assert all(len(row) == len(spec.table.columns) for row in spec.table.rows)

    def test_data_cannot_end_the_attribute_it_is_in(self, kit: PageKit) -> None:
        spec = charts.bars(["'><b>"], [Series("n", [3])], summary="s", category_name="c")
        html = kit.environment.from_string("{{ ui.chart(spec, 'Title') }}").render(spec=spec)
        assert "'><b>" not in html


class TestDrawings:
    def test_a_sparkline_reaches_from_zero_to_its_largest_value(self) -> None:
        path = sparkline_path([0, 5, 10], width=104, height=24)
        assert path is not None
        assert path.line == "M2.0 22.0L52.0 12.0L102.0 2.0"
        assert (path.end_x, path.end_y) == (102.0, 2.0)

    @pytest.mark.parametrize("values", [[], [3], [None, 3, None]])
    def test_too_few_points_make_no_line(self, values: list[float | None]) -> None:
        assert sparkline_path(values) is None

    def test_nothing_but_zeros_is_a_line_at_the_bottom(self) -> None:
        path = sparkline_path([0, 0])
        assert path is not None
        assert path.end_y == 22.0

    def test_an_interval_stays_on_its_scale(self) -> None:
        bar = interval_bar(0.5, -0.2, 1.4)
        assert (bar.low, bar.high, bar.estimate) == (0.0, 100.0, 50.0)
        assert interval_bar(0.5, 0.5, 0.5).width == 1.5

    def test_contributions_are_ordered_and_share_one_scale(self) -> None:
        bars = ContributionBars.of([Contribution("small", 0.1), Contribution("large", -0.4)], limit=2).bars
        assert [bar.contribution.sentence for bar in bars] == ["large", "small"]
        assert (bars[0].x, bars[0].width, bars[0].raises) == (4.0, 96.0, False)
        assert (bars[1].x, bars[1].width, bars[1].raises) == (100.0, 24.0, True)
        assert ContributionBars.of([]).bars == ()
