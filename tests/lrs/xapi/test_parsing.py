"""JSON that a store can keep, and what it refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.parsing import parsed_json
from tests.lrs.xapi.samples import fault_of


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 1.5, true, null, "\\u00e9", "\\ud83d\\ude00"]}', {"a": [1, 1.5, True, None, "é", "😀"]}),
        (b'"\\\\u0000"', "\\u0000"),
        (b"1e308", 1e308),
        (b"1" * 30, int("1" * 30)),
    ],
)
def test_json_is_parsed(body: bytes, value: object) -> None:
    assert parsed_json(body) == value
    assert parsed_json(memoryview(body)) == value


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        (b"", "", "line 1, column 1"),
        (b'{"a": 1,}', "", "must be JSON"),
        (b"{'a': 1}", "", "must be JSON"),
        (b'{"a": 1} x', "", "must be JSON"),
        (b"\xff", "", "byte 0"),
        (b'"\xed\xa0\x80"', "", "UTF-8"),
        (b"NaN", "", "must be finite"),
        (b"[-Infinity]", "", "must be finite"),
        (b"1e400", "", "64 bits"),
        (b"1" * 5000, "", "number that cannot be kept"),
        (b"[" * 100_000, "", "nested too deeply"),
        (b'{"a": ["\\u0000"]}', "/a/0", "NUL"),
        (b'{"a/b": {"~": "x\\ud800"}}', "/a~1b/~0", "surrogate"),
        (b'{"a": {"\\udfff": 1}}', "/a", "surrogate"),
    ],
)
def test_what_cannot_be_kept_is_refused(body: bytes, pointer: str, message: str) -> None:
    with pytest.raises(XapiFault, match=message) as refusal:
        parsed_json(body, what="The document")
    assert refusal.value.pointer == pointer


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_what_is_parsed_can_be_written_again(value: Any, as_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=as_ascii).encode()
    if (fault := fault_of(lambda: parsed_json(body))) is None:
        assert parsed_json(body) == value
    else:
        assert "\\u0000" in json.dumps(value)
        assert "NUL" in fault.sentence


@given(st.binary(max_size=100))
def test_no_body_is_more_than_malformed(body: bytes) -> None:
    fault = fault_of(lambda: json.dumps(parsed_json(body), ensure_ascii=False).encode())
    assert fault is None or fault.status == 400
