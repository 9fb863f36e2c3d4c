"""Statements with attachments as `multipart/mixed` (RFC 2046; xAPI 1.0.3 part three, 1.5.2; 2.0, 4.1.3).

The first part is the JSON of the statements; each other part is the data of one attachment, named by its SHA-2 hash.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import is_sha2

_PARAMETER: Final = re.compile(r';[ \t]*([^\s=;"]+)=(?:"([^"\r\n]*)"|([^\s;"]*))')
_LONGEST_BOUNDARY: Final = 70
_HASHES: Final = {56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_LONGEST_HEADERS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may bring: `parts` beside the statements, `part_bytes` in each of them."""

    parts: int = 1000
    part_bytes: int = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Attachment:
    """The data of an attachment; `sha2` is its hash in lower case, `content_type` what the part says, if it says it."""

    sha2: str
    content_type: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Multipart:
    """A request taken apart: the JSON of its statements, and its attachments by their hash in lower case."""

    statements: bytes
    attachments: Mapping[str, Attachment]


def boundary_of(content_type: str) -> str:
    """The boundary that a Content-Type of `multipart/mixed` names; XapiFault without one."""
    if content_type.partition(";")[0].strip().lower() == "multipart/mixed":
        for name, quoted, plain in _PARAMETER.findall(content_type):
            boundary = str(quoted or plain)
            if name.lower() == "boundary" and 1 <= len(boundary) <= _LONGEST_BOUNDARY:
                return boundary
    raise XapiFault("", "The Content-Type must be multipart/mixed with a boundary of 1 to 70 characters.")


def parsed_multipart(body: bytes, content_type: str, *, limits: Limits = Limits()) -> Multipart:
    """The parts of a request body; XapiFault when it is not well-formed or a part is not what its hash says."""
    parts = list(_parts(body, boundary_of(content_type).encode("latin-1", "replace"), limits))
    if not parts:
        raise XapiFault("", "The body must have a part with the statements.")
    headers, statements = parts[0]
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise XapiFault("", "The first part must have the Content-Type application/json and hold the statements.")
    attachments: dict[str, Attachment] = {}
    for number, (part_headers, data) in enumerate(parts[1:], start=2):
        attachment = _attachment(number, part_headers, data)
        attachments[attachment.sha2] = attachment
    return Multipart(statements, attachments)


def _parts(body: bytes, boundary: bytes, limits: Limits) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and content of each part; what stands before the first boundary and after the last one is ignored."""
    delimiter = b"\r\n--" + boundary
    # A body may begin with its boundary; then there is no line break before it.
    start = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    if start == 1:
        raise XapiFault("", "The body must have the boundary that the Content-Type names.")
    position = start + len(delimiter) - 2
    for number in range(1, limits.parts + 3):
        if body.startswith(b"--", position):
            return
        if number > limits.parts + 1:
            raise XapiFault("", f"The body must have at most {limits.parts} attachments.")
        position = _after_line(body, position)
        end = body.find(delimiter, position - 2)
        if end < 0:
            raise XapiFault("", f"Part {number} must be followed by the boundary.")
        headers, content_start = _headers(body, position, end, number)
        if end - content_start > limits.part_bytes:
            raise XapiFault("", f"Part {number} must have at most {limits.part_bytes} bytes.")
        yield headers, body[content_start:end]
        position = end + len(delimiter)


def _after_line(body: bytes, position: int) -> int:
    """Where the line after a boundary begins; only blanks may stand behind the boundary."""
    end = body.find(b"\r\n", position)
    if end < 0 or body[position:end].strip(b" \t"):
        raise XapiFault("", "Each boundary must stand in a line of its own that ends with CR LF.")
    return end + 2


def _headers(body: bytes, start: int, end: int, number: int) -> tuple[dict[str, str], int]:
    """The headers of a part by their names in lower case, and where its content begins."""
    if body.startswith(b"\r\n", start):
        return {}, start + 2
    stop = body.find(b"\r\n\r\n", start, end)
    if stop < 0 or stop - start > _LONGEST_HEADERS:
        raise XapiFault("", f"Part {number} must begin with headers and an empty line.")
    headers: dict[str, str] = {}
    for line in body[start:stop].decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise XapiFault("", f"Part {number} must have headers of the form Name: value.")
        headers[name.strip().lower()] = value.strip()
    return headers, stop + 4


def _attachment(number: int, headers: Mapping[str, str], data: bytes) -> Attachment:
    sha2 = headers.get("x-experience-api-hash", "").lower()
    if not is_sha2(sha2):
        raise XapiFault("", f"Part {number} must name its SHA-2 hash in the header X-Experience-API-Hash.")
    if headers.get("content-transfer-encoding", "").lower() != "binary":
        raise XapiFault("", f"Part {number} must have the header Content-Transfer-Encoding with the value binary.")
    if hash_of(data, like=sha2) != sha2:
        raise XapiFault("", f"Part {number} must have the content that its header X-Experience-API-Hash names.")
    return Attachment(sha2, headers.get("content-type"), data)


def hash_of(data: bytes, *, like: str) -> str:
    """The hash of the data in lower case, by the member of the SHA-2 family that another hash is of."""
    return hashlib.new(_HASHES[len(like)], data).hexdigest()


def require_attachments(
    statements: Sequence[Mapping[str, Any]], attachments: Mapping[str, Attachment], *, batch: bool
) -> None:
    """Refuse checked statements whose attachments neither came along nor have a fileUrl, and parts nobody mentions.

    `batch` says whether the statements came as an array, for the pointer. A request of `application/json` brings no
    attachments. Those of a SubStatement may come along, and need not: no rule says that they must.
    """
    mentioned: set[str] = set()
    for position, statement in enumerate(statements):
        for place, described in enumerate(statement.get("attachments", ())):
            sha2 = described["sha2"].lower()
            mentioned.add(sha2)
            if sha2 not in attachments and "fileUrl" not in described:
                pointer = f"{f'/{position}' if batch else ''}/attachments/{place}"
                raise XapiFault(pointer, "The data of this attachment must come along, or a fileUrl say where it is.")
        mentioned |= {described["sha2"].lower() for described in statement["object"].get("attachments", ())}
    if not attachments.keys() <= mentioned:
        raise XapiFault("", "Each part after the first must be an attachment of one of the statements.")


def multipart_content(boundary: str, statements: bytes, attachments: Iterable[Attachment]) -> Iterator[bytes]:
    """The chunks of a `multipart/mixed` body: the statements, then each attachment."""
    yield f"--{boundary}\r\nContent-Type: application/json\r\n\r\n".encode()
    yield statements
    for attachment in attachments:
        content_type = attachment.content_type or "application/octet-stream"
        yield (
            f"\r\n--{boundary}\r\nContent-Type: {_in_one_line(content_type)}\r\nContent-Transfer-Encoding: binary\r\n"
            f"X-Experience-API-Hash: {attachment.sha2}\r\n\r\n"
        ).encode()
        yield attachment.data
    yield f"\r\n--{boundary}--\r\n".encode()


def new_boundary() -> str:
    """A boundary that no content contains but by intent: 128 random bits."""
    return f"xapi-{secrets.token_hex(16)}"


def _in_one_line(content_type: str) -> str:
    return " ".join(content_type.split())
