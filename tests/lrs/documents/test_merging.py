"""What a merge leaves as it was written."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.documents.merging import check_json, merged
from academe.lrs.documents.types import Content
from academe.lrs.xapi.faults import XapiFault

JSON = "application/json"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


def content(text: str) -> Content:
    return Content(text.encode(), JSON)


@given(OBJECTS, OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_a_merge_is_the_union_at_the_top(
    stored: dict[str, Any], posted: dict[str, Any], indent: int | str | None, ascii_only: bool
) -> None:
    first = content(json.dumps(stored, indent=indent, ensure_ascii=ascii_only))
    second = content(json.dumps(posted, indent=indent, ensure_ascii=ascii_only))
    assert json.loads(merged(first, second).body) == stored | posted


@given(OBJECTS)
def test_a_merge_can_be_merged(stored: dict[str, Any]) -> None:
    once = merged(content(json.dumps(stored)), content("{}"))
    check_json(once)
    assert merged(once, once) == once


@pytest.mark.parametrize(
    "value",
    ["1.0", "1e400", "-0", "9" * 5000, "0.1000000000000000000000001", '"\\ud800"', '"\\u0000"', '{"a":1,"a":2}'],
)
def test_values_stay_as_they_were_written(value: str) -> None:
    assert merged(content(f'{{"a" :\n {value} }}'), content('{"b":1}')).body == f'{{"a":{value},"b":1}}'.encode()


def test_of_a_name_given_twice_the_last_counts() -> None:
    assert merged(content('{"a":1,"\\u0061":2}'), content("{}")).body == b'{"a":2}'


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\u0019eE+-. \n', max_size=40).map(str.encode))
def test_what_is_no_json_is_a_fault_and_nothing_else(body: bytes) -> None:
    try:
        is_json = not isinstance(json.loads(body.decode(), parse_constant=lambda _: 1 / 0), Exception)
    except (ValueError, ZeroDivisionError):
        is_json = False
    if is_json:
        check_json(Content(body, JSON))
    else:
        with pytest.raises(XapiFault):
            check_json(Content(body, JSON))
