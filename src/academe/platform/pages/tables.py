"""Tables of records: which columns, how sorted, and where the next page is.

Sorting, filtering and paging are links and GET forms, so a table can be bookmarked, sent to a colleague and used
without scripts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar
from urllib.parse import parse_qsl

from starlette.datastructures import URL

Row = TypeVar("Row")

Alignment = Literal["start", "end", "center"]
Width = Literal["sm", "md", "lg", "xl"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names it in the address (`?sort=-key`), `label` on the page.

    `align="end"` is for numbers. `hide_below` leaves it out on screens narrower than that step (sm 576, md 768,
    lg 992, xl 1200 pixels). `descending_first` is for columns where the largest matters most. `label_hidden` keeps
    the label for screen readers only.
    """

    key: str
    label: str
    sortable: bool = False
    align: Alignment = "start"
    hide_below: Width | None = None
    descending_first: bool = False
    label_hidden: bool = False
    hint: str = ""

    @property
    def css(self) -> str:
        """The classes of the header and of every cell of the column."""
        classes = []
        if self.align != "start":
            classes.append(f"cell-{self.align}")
        if self.hide_below:
            classes.append(f"hide-below-{self.hide_below}")
        return " ".join(classes)


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a table, as it stands in the address: `need` or `-need`."""

    key: str
    descending: bool = False

    @classmethod
    def parse(cls, text: str | None, *, allowed: Sequence[str], default: "Sort") -> "Sort":
        """Read `?sort=`; the default when it is absent or names no column that can be sorted."""
        if not text:
            return default
        key = text.removeprefix("-")
        return cls(key, text.startswith("-")) if key in allowed else default

    def __str__(self) -> str:
        return f"-{self.key}" if self.descending else self.key


@dataclass(frozen=True, slots=True)
class TableView(Generic[Row]):
    """A page of rows with everything the table macro needs.

    `identifier` is the id of the table's element and the target of fragment updates. `url` is the address of the page
    being shown. `next_cursor` and `previous_cursor` come from keyset pagination (`?cursor=`). `total` is
    shown when it is known. `row_id` gives the value of a row's check box; without it rows cannot be selected.
    """

    identifier: str
    url: URL
    columns: Sequence[Column]
    rows: Sequence[Row]
    sort: Sort | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None
    total: int | None = None
    row_id: Callable[[Row], str] | None = None

    def css(self, key: str) -> str:
        """The classes of a cell of one column; KeyError for a column that is not there."""
        return self._column(key).css

    def aria_sort(self, column: Column) -> str | None:
        """`ascending` or `descending` on the sorted column, None on the others."""
        if self.sort is None or self.sort.key != column.key:
            return None
        return "descending" if self.sort.descending else "ascending"

    def sort_href(self, column: Column) -> str:
        """Where the header of a column leads: sorted by it, or the other way round when it already is."""
        descending = column.descending_first
        if self.sort is not None and self.sort.key == column.key:
            descending = not self.sort.descending
        return self._href({"sort": str(Sort(column.key, descending))})

    @property
    def next_href(self) -> str | None:
        """The following page."""
        return self._href({"cursor": self.next_cursor}) if self.next_cursor else None

    @property
    def previous_href(self) -> str | None:
        """The page before."""
        return self._href({"cursor": self.previous_cursor}) if self.previous_cursor else None

    @property
    def is_filtered(self) -> bool:
        """Whether the address asks for anything but order and place."""
        known = {"sort", "cursor", "limit"}
        return any(name not in known and value for name, value in parse_qsl(self.url.query))

    def _column(self, key: str) -> Column:
        for column in self.columns:
            if column.key == key:
                return column
        raise KeyError(f"the table {self.identifier!r} has no column {key!r}")

    def _href(self, changes: Mapping[str, str]) -> str:
        # A cursor belongs to one order and one filter, so it never outlives a change.
        url = self.url.remove_query_params("cursor").include_query_params(**changes)
        return f"{url.path}?{url.query}"
