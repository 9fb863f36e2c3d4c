"""Requests with attachments, taken apart and put together (XAPI-00127 to XAPI-00135)."""

import hashlib
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import (
    Attachment,
    Limits,
    boundary_of,
    multipart_content,
    new_boundary,
    parsed_multipart,
    require_attachments,
)
from tests.lrs.xapi.samples import fault_of, simple

TYPE = "multipart/mixed; boundary=-------314159265358979323846"
BOUNDARY = "-------314159265358979323846"
DATA = b"here is a simple attachment"
SHA2 = hashlib.sha256(DATA).hexdigest()


def described(**changes: object) -> dict[str, Any]:
    return {
        "usageType": "https://example.com/usage",
        "display": {"en": "Essay"},
        "contentType": "text/plain",
        "length": len(DATA),
        "sha2": SHA2,
    } | changes


def part(*headers: str, content: bytes = DATA) -> bytes:
    return "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + content


STATEMENTS = part("Content-Type: application/json", content=json.dumps(simple()).encode())
ESSAY = part("Content-Type: text/plain", "Content-Transfer-Encoding: binary", f"X-Experience-API-Hash: {SHA2}")


def body(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    return b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + each + b"\r\n" for each in parts) + (
        b"--" + BOUNDARY.encode() + end
    )


def test_statements_and_attachments_are_taken_apart() -> None:
    parsed = parsed_multipart(body(STATEMENTS, ESSAY), TYPE)
    assert json.loads(parsed.statements) == simple()
    assert parsed.attachments == {SHA2: Attachment(SHA2, "text/plain", DATA)}


@pytest.mark.parametrize(
    "request_body",
    [
        b"\r\n" + body(STATEMENTS, end=b"--"),
        b"A preamble\r\n" + body(STATEMENTS) + b"an epilogue",
        body(STATEMENTS).replace(BOUNDARY.encode() + b"\r\n", BOUNDARY.encode() + b" \t\r\n"),
        body(STATEMENTS.replace(b"Content-Type: application", b"content-type:application")),
        body(STATEMENTS.replace(b"json", b"json; charset=utf-8")),
    ],
)
def test_what_rfc_2046_allows_is_taken(request_body: bytes) -> None:
    parsed = parsed_multipart(request_body, TYPE)
    assert json.loads(parsed.statements) == simple()
    assert parsed.attachments == {}


@pytest.mark.parametrize("name", ["sha224", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("data", [b"", b"\x00\r\n--\r\n\xff", DATA])
def test_hashes_of_the_whole_family_are_checked(name: str, data: bytes) -> None:
    sha2 = hashlib.new(name, data).hexdigest()
    essay = part("Content-Transfer-Encoding: BINARY", f"x-experience-api-hash: {sha2.upper()}", content=data)
    assert parsed_multipart(body(STATEMENTS, essay), TYPE).attachments[sha2] == Attachment(sha2, None, data)


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        pytest.param(b"", "boundary that the Content-Type names", id="XAPI-00130 empty"),
        pytest.param(STATEMENTS, "boundary that the Content-Type names", id="XAPI-00130 no boundary"),
        pytest.param(body(), "must have a part", id="XAPI-00130 nothing"),
        pytest.param(body(STATEMENTS, end=b"\r\n"), "Part 2 must be followed", id="XAPI-00131 no end"),
        pytest.param(body(STATEMENTS)[: -len(BOUNDARY) - 10], "Part 1 must be followed", id="XAPI-00131 cut"),
        pytest.param(body(STATEMENTS).replace(b"\r\n{", b"{"), "empty line", id="XAPI-00131 no empty line"),
        pytest.param(body(b"nonsense\r\n\r\n{}"), "Name: value", id="XAPI-00131 no header"),
        pytest.param(body(STATEMENTS, end=b"x\r\n"), "line of its own", id="XAPI-00131 boundary goes on"),
        pytest.param(body(ESSAY, STATEMENTS), "first part must have", id="XAPI-00133 order"),
        pytest.param(body(part(content=b"{}")), "first part must have", id="XAPI-00133 no type"),
        pytest.param(body(STATEMENTS, STATEMENTS), "name its SHA-2 hash", id="XAPI-00133 two parts of statements"),
        pytest.param(
            body(STATEMENTS, ESSAY.replace(SHA2.encode(), b"")), "name its SHA-2 hash", id="XAPI-00134 no hash"
        ),
        pytest.param(
            body(STATEMENTS, ESSAY.replace(SHA2.encode(), b"0" * 64)), "content that its header", id="XAPI-00134 hash"
        ),
        pytest.param(body(STATEMENTS, ESSAY + b"!"), "content that its header", id="XAPI-00134 content"),
        pytest.param(
            body(STATEMENTS, ESSAY.replace(b"binary", b"base64")), "value binary", id="XAPI-00135 another encoding"
        ),
        pytest.param(
            body(STATEMENTS, ESSAY.replace(b"Content-Transfer-Encoding: binary\r\n", b"")),
            "value binary",
            id="XAPI-00135 no encoding",
        ),
    ],
)
def test_what_is_malformed_is_refused(request_body: bytes, message: str) -> None:
    with pytest.raises(XapiFault, match=message):
        parsed_multipart(request_body, TYPE)


def test_a_request_brings_no_more_than_the_limits() -> None:
    essays = [
        part(
            "Content-Transfer-Encoding: binary",
            f"X-Experience-API-Hash: {hashlib.sha256(data).hexdigest()}",
            content=data,
        )
        for data in (b"1", b"2", b"3")
    ]
    limits = Limits(parts=2, part_bytes=len(STATEMENTS))
    assert len(parsed_multipart(body(STATEMENTS, *essays[:2]), TYPE, limits=limits).attachments) == 2
    with pytest.raises(XapiFault, match="at most 2 attachments"):
        parsed_multipart(body(STATEMENTS, *essays), TYPE, limits=limits)
    with pytest.raises(XapiFault, match="Part 2 must have at most 10 bytes"):
        parsed_multipart(body(part("Content-Type: application/json", content=b"{}"), ESSAY), TYPE, limits=Limits(1, 10))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/mixed; boundary=abc", "abc"),
        ('Multipart/Mixed;charset=utf-8;Boundary="abcABC0123\'()+_,-./:=?"', "abcABC0123'()+_,-./:=?"),
        ("multipart/mixed; boundary=" + "x" * 70, "x" * 70),
    ],
)
def test_the_boundary_is_read_from_the_content_type(content_type: str, boundary: str) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data; boundary=abc",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary="',
        "multipart/mixed; boundary=" + "x" * 71,
        "multipart/mixed" + "; a" * 20_000,
    ],
)
def test_a_content_type_without_a_boundary_is_refused(content_type: str) -> None:
    """XAPI-00130."""
    with pytest.raises(XapiFault, match="must be multipart/mixed with a boundary"):
        boundary_of(content_type)


def test_attachments_come_along_or_have_an_address() -> None:
    """XAPI-00128, XAPI-00129, XAPI-00132."""
    essay = {SHA2: Attachment(SHA2, "text/plain", DATA)}
    brought = simple() | {"attachments": [described(sha2=SHA2.upper())]}
    linked = simple() | {"attachments": [described(fileUrl="https://example.com/essay.txt")]}
    require_attachments([simple(), brought, linked], essay, batch=True)
    require_attachments([linked, simple()], {}, batch=True)
    with pytest.raises(XapiFault) as refusal:
        require_attachments([simple(), brought], {}, batch=True)
    assert refusal.value.pointer == "/1/attachments/0"
    with pytest.raises(XapiFault) as refusal:
        require_attachments([brought], {}, batch=False)
    assert refusal.value.pointer == "/attachments/0"
    with pytest.raises(XapiFault, match="must be an attachment of one of the statements"):
        require_attachments([simple()], essay, batch=False)


@given(st.lists(st.binary(max_size=200), max_size=4, unique=True))
def test_what_is_put_together_is_taken_apart_again(contents: list[bytes]) -> None:
    attachments = [Attachment(hashlib.sha256(data).hexdigest(), "text/plain", data) for data in contents]
    boundary = new_boundary()
    content = b"".join(multipart_content(boundary, b'{"statements":[]}', attachments))
    parsed = parsed_multipart(content, f"multipart/mixed; boundary={boundary}")
    assert parsed.statements == b'{"statements":[]}'
    assert parsed.attachments == {attachment.sha2: attachment for attachment in attachments}


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_no_body_is_more_than_malformed(noise: bytes, inserted: bytes) -> None:
    for request_body in (noise, body(STATEMENTS, ESSAY + inserted), body(noise, ESSAY), body(STATEMENTS)[:-5] + noise):
        fault = fault_of(partial(parsed_multipart, request_body, TYPE))
        assert fault is None or fault.sentence.endswith(".")


def test_a_type_of_several_lines_is_written_in_one() -> None:
    content = b"".join(multipart_content("b", b"{}", [Attachment(SHA2, "text/plain\r\nX-Evil: 1", DATA)]))
    assert b"\r\nX-Evil" not in content
