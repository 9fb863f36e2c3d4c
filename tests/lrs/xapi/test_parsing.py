"""JSON that a store can keep, and what it refuses."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.parsing import parsed_json, parsed_statements
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi.samples import BOTH, fault_of, full


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, 1.5, true, null, "\\u00e9", "\\ud83d\\ude00"]}', {"a": [1, 1.5, True, None, "é", "😀"]}),
        (b'"\\\\u0000"', "\\u0000"),
        (b"1e308", 1e308),
        (b"1" * 30, int("1" * 30)),
        (b"[0.12123434, 12.125, 45.45]", [0.12123434, 12.125, 45.45]),
    ],
)
def test_json_is_parsed(body: bytes, value: object) -> None:
    """XAPI-00002, XAPI-00015."""
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


@pytest.mark.parametrize("version", BOTH)
def test_statements_are_parsed_like_all_json(version: Version) -> None:
    batch = [full(version), full(version) | {"actor": {"name": 'He said "x": y', "mbox": "mailto:é@example.com"}}]
    for indent, as_ascii in ((None, True), (2, False), (None, False)):
        body = json.dumps(batch, indent=indent, ensure_ascii=as_ascii).encode()
        assert parsed_statements(body, version) == batch
        assert parsed_statements(body.replace(b'":', b'" : '), version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        (b"", "", "must be JSON"),
        (b'{"a": 1,}', "", "must be JSON"),
        (b'{"a": 1} x', "", "must be JSON"),
        (b'"\xff"', "", "must be JSON"),
        (b"NaN", "", "must be JSON"),
        (b"1" * 5000, "", "must be JSON"),
        (b"[" * 100_000, "", "must be JSON"),
        (b'"\\ud800"', "", "must be JSON"),
        (b'[{"a": "\\u0000"}]', "/0/a", "NUL"),
        (b'[{"\\u0000": 1}]', "/0", "NUL"),
    ],
)
def test_statements_that_cannot_be_kept_are_refused(body: bytes, pointer: str, message: str, version: Version) -> None:
    with pytest.raises(XapiFault, match=message) as refusal:
        parsed_statements(body, version)
    assert refusal.value.pointer == pointer


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"id": 1, "id": 1}', "/id"),
        (b'[{}, {"a": {"b/c": [{"x": 1, "y": 2, "x" : 3}]}}]', "/1/a/b~1c/0/x"),
        (b'{"a"\n:1,"b":1,"b":2,"c":"\\":\\":"}', "/b"),
    ],
)
def test_version_two_has_each_property_once(body: bytes, pointer: str) -> None:
    """XAPI-00021."""
    assert parsed_statements(body, Version.ONE)
    with pytest.raises(XapiFault, match="only once") as refusal:
        parsed_statements(body, Version.TWO)
    assert refusal.value.pointer == pointer


@given(VALUES, st.booleans())
def test_both_ways_of_parsing_agree(value: Any, as_ascii: bool) -> None:
    body = json.dumps(value, ensure_ascii=as_ascii).encode()
    one, other = fault_of(lambda: parsed_json(body)), fault_of(lambda: parsed_statements(body, Version.TWO))
    assert (one is None) == (other is None)
    if one is None:
        assert parsed_json(body) == parsed_statements(body, Version.TWO)
