"""The files of the spool: frames that are on the disk before anybody is told that they are.

A segment is a head and frames, in the order in which they came. A frame holds what one group of requests brought; the
next is written only when the one before is on the disk (fsync). So only the last frame of a file can be incomplete, and
what is incomplete was never acknowledged. Numbers are big-endian:

    head   "ACSPOOL1" | fingerprint of the master key (16) | wrapped key: nonce (12), ciphertext and tag (48) | CRC-32
    frame  "FRAM" | bytes of the content (4) | statements (4) | number (8) | CRC-32 of the content
           | CRC-32 of these fields | content, encrypted, with its tag

Statements are personal data lying in a file. The key of each segment is its own, wrapped by a master key of the
settings as the keys of encrypted fields are; those lie in the database, which is away when they would be needed.
Contents are encrypted with AES-256-GCM; the nonce is the frame's number, and the segment and the number are
authenticated with it. Checksums tell damage without the key.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from academe.lrs.spool.errors import SegmentUnreadableError
from academe.platform.database.keyring import NONCE_BYTES, fingerprint
from academe.platform.database.person_keys import KEY_BITS

HEAD_BYTES: Final = 88
FRAME_HEAD_BYTES: Final = 28

_HEAD: Final = struct.Struct(">8s16s60s")
_FRAME: Final = struct.Struct(">4sIIQI")
_CHECKSUM: Final = struct.Struct(">I")
_MAGIC: Final = b"ACSPOOL1"
_FRAME_MAGIC: Final = b"FRAM"


class Frame(NamedTuple):
    """Where the content of a frame lies in a file, its number and how many statements it holds."""

    start: int
    end: int
    number: int
    statements: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a file holds: whole frames, bytes of a last one that was never finished, and damaged ranges."""

    frames: Sequence[Frame]
    torn_bytes: int
    damaged: Sequence[tuple[int, int]]

    @property
    def statements(self) -> int:
        """In whole frames."""
        return sum(frame.statements for frame in self.frames)


class SegmentKey:
    """The key of one segment, and the head that only a master key opens."""

    def __init__(self, segment: UUID, key: bytes, head: bytes) -> None:
        self._segment = segment
        self._key = AESGCM(key)
        self.head = head

    @classmethod
    def new(cls, segment: UUID, master_key: bytes) -> "SegmentKey":
        """A new key for a new segment."""
        key, nonce = AESGCM.generate_key(KEY_BITS), os.urandom(NONCE_BYTES)
        wrapped = nonce + AESGCM(master_key).encrypt(nonce, key, _context(segment))
        head = _HEAD.pack(_MAGIC, fingerprint(master_key).encode(), wrapped)
        return cls(segment, key, head + _CHECKSUM.pack(zlib.crc32(head)))

    @classmethod
    def opened(cls, segment: UUID, head: bytes, master_keys: Sequence[bytes]) -> "SegmentKey":
        """The key in the head of a segment; raises SegmentUnreadableError."""
        if not _is_head(head):
            raise SegmentUnreadableError("The head of the file is damaged.")
        _, name, wrapped = _HEAD.unpack(head[: _HEAD.size])
        for master_key in master_keys:
            if fingerprint(master_key).encode() == name:
                try:
                    key = AESGCM(master_key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _context(segment))
                except InvalidTag:
                    raise SegmentUnreadableError("The key of the file was changed.") from None
                return cls(segment, key, head)
        raise SegmentUnreadableError(
            f"The file needs master key {name.decode('ascii', 'replace')}, which is not in"
            " ACADEME_ENCRYPTION_MASTER_KEYS: put it back, after the newer ones."
        )

    def sealed(self, content: bytes, *, number: int, statements: int) -> bytes:
        """A frame."""
        encrypted = self._key.encrypt(number.to_bytes(NONCE_BYTES), content, self._place(number))
        head = _FRAME.pack(_FRAME_MAGIC, len(encrypted), statements, number, zlib.crc32(encrypted))
        return head + _CHECKSUM.pack(zlib.crc32(head)) + encrypted

    def content(self, data: bytes, frame: Frame) -> bytes:
        """What a frame holds; raises SegmentUnreadableError when it belongs elsewhere or was changed."""
        try:
            encrypted = data[frame.start : frame.end]
            return self._key.decrypt(frame.number.to_bytes(NONCE_BYTES), encrypted, self._place(frame.number))
        except InvalidTag:
            raise SegmentUnreadableError(f"Frame {frame.number} was changed or comes from another file.") from None

    def _place(self, number: int) -> bytes:
        return _context(self._segment) + number.to_bytes(8)


def scan(data: bytes) -> Scan:
    """Find the frames of a file, without its key.

    A last frame that the file ends in, or a file that goes on with nothing but zeroes, is a write that was cut off. All
    else that cannot be read is damage, for it may have been acknowledged; what stands behind it is found again.
    """
    if not _is_head(data[:HEAD_BYTES]):
        return Scan((), 0, ((0, len(data)),))
    frames: list[Frame] = []
    damaged: list[tuple[int, int]] = []
    at = HEAD_BYTES
    while at < len(data):
        head = _frame_head(data, at)
        if head is None:
            following = _next_head(data, at + 1)
            if following is None and _is_cut_off(data, at):
                return Scan(frames, len(data) - at, damaged)
            following = len(data) if following is None else following
            damaged.append((at, following))
            at = following
            continue
        frame, checksum = head
        if frame.end > len(data):
            return Scan(frames, len(data) - at, damaged)
        if zlib.crc32(memoryview(data)[frame.start : frame.end]) == checksum:
            frames.append(frame)
        else:
            damaged.append((at, frame.end))
        at = frame.end
    return Scan(frames, 0, damaged)


def _context(segment: UUID) -> bytes:
    return b"xapi spool " + segment.bytes


def _is_head(head: bytes) -> bool:
    body, checksum = head[: _HEAD.size], head[_HEAD.size : HEAD_BYTES]
    return head.startswith(_MAGIC) and checksum == _CHECKSUM.pack(zlib.crc32(body))


def _frame_head(data: bytes, at: int) -> tuple[Frame, int] | None:
    """The frame whose head stands here, and the checksum of its content."""
    body = data[at : at + _FRAME.size]
    if not body.startswith(_FRAME_MAGIC) or data[at + _FRAME.size : at + FRAME_HEAD_BYTES] != _CHECKSUM.pack(
        zlib.crc32(body)
    ):
        return None
    _, length, statements, number, checksum = _FRAME.unpack(body)
    start = at + FRAME_HEAD_BYTES
    return Frame(start, start + length, number, statements), checksum


def _next_head(data: bytes, at: int) -> int | None:
    while (at := data.find(_FRAME_MAGIC, at)) >= 0:
        if _frame_head(data, at) is not None:
            return at
        at += 1
    return None


def _is_cut_off(data: bytes, at: int) -> bool:
    """Whether what stands here is the beginning of a head, or space that a loss of power left empty."""
    rest = data[at:]
    return len(rest) < FRAME_HEAD_BYTES or not rest.strip(b"\0")
