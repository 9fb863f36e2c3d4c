"""Lines of a file, each one statement of another store, on their way to the intake."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final
from uuid import NAMESPACE_URL, uuid5

from academe.lrs.bulk.compression import DAMAGE
from academe.lrs.bulk.errors import DamagedFileError
from academe.lrs.xapi.attachments import SIGNATURE_USAGE
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import require_attachments
from academe.lrs.xapi.parsing import parsed_statements
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version, version_of

_MOST_LINES: Final = 500
_MOST_BYTES: Final = 4 * 2**20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not empty: its number from 1, and its bytes; None when it is longer than allowed."""

    number: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not taken: `pointer` leads to the property in it, the empty one to the whole line."""

    line: int
    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line that is a valid statement, by the rules of the version that it names."""

    line: int
    statement: Mapping[str, Any]
    version: Version
    size: int


@dataclass(slots=True)
class Chunk:
    """What is stored together, and where in the file it ends: a byte of its content, a line.

    No two of its statements have the same id.
    """

    statements: list[ReadLine] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)
    offset: int = 0
    line: int = 0
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to store it."""
        return len(self.statements) + len(self.refused) >= _MOST_LINES or self.size >= _MOST_BYTES


@dataclass(frozen=True, slots=True)
class Rules:
    """What lines may be: at most `longest` bytes long; `without_contents` lets attachments in that only are described.

    `stop_at_first` ends the reading at the first line that is refused.
    """

    longest: int
    without_contents: bool = False
    stop_at_first: bool = False


def chunks(stream: BinaryIO, rules: Rules, *, offset: int, line: int) -> Iterator[Chunk]:
    """The chunks of a stream that stands at an offset, behind a line.

    Raises DamagedFileError when the stream breaks off, after all that stood before that place.
    """
    chunk = Chunk(offset=offset, line=line)
    ids: set[str] = set()
    try:
        while (given := _next_line(stream, rules.longest)) is not None:
            body, length = given
            found = read_line(Line(chunk.line + 1, body), rules)
            if isinstance(found, ReadLine) and found.statement["id"].lower() in ids:
                yield chunk
                chunk, ids = Chunk(offset=chunk.offset, line=chunk.line), set()
            chunk.offset += length
            chunk.line += 1
            if isinstance(found, ReadLine):
                ids.add(found.statement["id"].lower())
                chunk.statements.append(found)
                chunk.size += length
            elif found is not None:
                chunk.refused.append(found)
            if chunk.is_full or (chunk.refused and rules.stop_at_first):
                yield chunk
                if chunk.refused and rules.stop_at_first:
                    return
                chunk, ids = Chunk(offset=chunk.offset, line=chunk.line), set()
    except DAMAGE as error:
        yield chunk
        raise DamagedFileError(
            f"The file is cut or broken after line {chunk.line}; what stands before is stored."
        ) from (error)
    yield chunk


def _next_line(stream: BinaryIO, longest: int) -> tuple[bytes | None, int] | None:
    """The bytes of a line, None when there are too many, and its length in the file; None at the end."""
    body = stream.readline(longest + 1)
    if not body:
        return None
    length = len(body)
    if length <= longest or body.endswith(b"\n"):
        return body, length
    while not body.endswith(b"\n") and (body := stream.readline(longest)):
        length += len(body)
    return None, length


def read_line(line: Line, rules: Rules) -> ReadLine | RefusedLine | None:
    """What a line holds; None when it is empty."""
    if line.body is None:
        return RefusedLine(line.number, "", f"A line may have at most {rules.longest / 2**20:g} MiB here.")
    body = line.body.removeprefix(_BYTE_ORDER_MARK).strip() if line.number == 1 else line.body.strip()
    if not body:
        return None
    try:
        statement, version = _read(body)
        statement = checked(statement, version)
        _require_contents(statement, rules)
    except XapiFault as fault:
        return RefusedLine(line.number, fault.pointer, fault.sentence)
    if "id" not in statement:
        # The same when the file is imported again, so that nothing is stored twice.
        digest = hashlib.sha256(body).hexdigest()
        statement["id"] = str(uuid5(NAMESPACE_URL, f"urn:academe:import:{line.number}:{digest}"))
    if "timestamp" not in statement and "stored" in statement:
        # The time at which the other store had it; ours is about the import.
        statement["timestamp"] = statement["stored"]
    return ReadLine(line.number, statement, version, len(body))


def _read(body: bytes) -> tuple[object, Version]:
    """The value of a line, and the version whose rules hold for it; XapiFault."""
    statement = parsed_statements(body, Version.ONE)
    if not isinstance(statement, dict):
        raise XapiFault("", "Each line must be one statement, a JSON object; this is another value.")
    if "statements" in statement:
        raise XapiFault("/statements", "Each line must be one statement; this is a whole answer of a store.")
    if "statement" in statement and "actor" not in statement:
        raise XapiFault("/statement", "Each line must be one statement; this is a record that holds one.")
    named = statement.get("version")
    if named is None and "version" not in statement:
        return statement, Version.ONE  # as the standard says of statements that name none
    version = version_of(named) if isinstance(named, str) else None
    if version is None:
        raise XapiFault("/version", "This must be 1.0, 1.0.x, 2.0 or 2.0.x.")
    return (statement if version is Version.ONE else parsed_statements(body, version)), version


def _require_contents(statement: Mapping[str, Any], rules: Rules) -> None:
    if "attachments" not in statement or rules.without_contents:
        return
    for place, described in enumerate(statement["attachments"]):
        if "fileUrl" not in described and described["usageType"] == SIGNATURE_USAGE:
            raise XapiFault(f"/attachments/{place}", "A file of statements cannot bring the signature of one.")
    try:
        require_attachments([statement], {}, batch=False)
    except XapiFault as fault:
        message = "A file of statements cannot bring the data of an attachment, and no fileUrl says where it is."
        raise XapiFault(fault.pointer, message) from None
