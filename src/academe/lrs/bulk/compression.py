"""How files are compressed: known by their first bytes when they are read, by their names when they are written.

Files are written in parts that are each complete (members of gzip, frames of zstd), so that what a killed process
leaves is a whole file and the beginning of one more part.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DAMAGE: Final = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError)
"""What reading raises when a compressed file is cut or broken."""

_CHUNK: Final = 2**20


class Compression(StrEnum):
    """How a file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


_SUFFIXES: Final = {".gz": Compression.GZIP, ".gzip": Compression.GZIP, ".zst": Compression.ZSTD}
_MAGIC: Final = {b"\x1f\x8b": Compression.GZIP, b"\x28\xb5\x2f\xfd": Compression.ZSTD}


class _Decompressor(Protocol):
    """What the decompressors of one part have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def compression_named(path: Path) -> Compression:
    """What the name of a file promises."""
    return _SUFFIXES.get(path.suffix.lower(), Compression.NONE)


def compression_in(stream: io.BufferedReader) -> Compression:
    """What the next bytes of a stream begin; nothing is read."""
    start = stream.peek(4)[:4]
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), Compression.NONE)


def plain(stream: io.BufferedReader) -> BinaryIO:
    """The content of a stream, whose compression its first bytes tell."""
    match compression_in(stream):
        case Compression.GZIP:
            return cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))
        case Compression.ZSTD:
            return cast("BinaryIO", zstd.ZstdFile(stream, mode="rb"))
    return stream


def packed(content: bytes, kind: Compression) -> bytes:
    """Content as a complete part of a file."""
    match kind:
        case Compression.GZIP:
            return gzip.compress(content, compresslevel=6, mtime=0)
        case Compression.ZSTD:
            return zstd.compress(content, level=6)
    return content


def parts_of(stream: BinaryIO, kind: Compression) -> Iterator[tuple[bytes, int]]:
    """Each complete part of a compressed file and where it ends; what is cut or broken at the end is left out.

    Holds one part at a time, so it is for files of ours, whose parts are small.
    """
    offset, waiting = 0, b""
    while True:
        decompressor, content = _decompressor(kind), bytearray()
        while not decompressor.eof:
            given = waiting or stream.read(_CHUNK)
            if not given:
                return
            waiting = b""
            try:
                content += decompressor.decompress(given)
            except DAMAGE:
                return
            offset += len(given)
        waiting = decompressor.unused_data
        offset -= len(waiting)
        yield bytes(content), offset


def _decompressor(kind: Compression) -> _Decompressor:
    if kind is Compression.GZIP:
        return cast("_Decompressor", zlib.decompressobj(wbits=31))
    return zstd.ZstdDecompressor()
