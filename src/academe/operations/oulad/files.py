"""The seven files, in a zip or a folder: found, bounded and read as a stream of whole lines."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol, TypeVar

from academe.operations.errors import Fault, SourceRefusedError

T = TypeVar("T")

MIB: Final = 2**20
CHUNK_BYTES: Final = 2 * MIB
LARGEST_LINE: Final = 64 * 1024

LARGEST_BYTES: Final = {"studentVle.csv": 4096 * MIB}
"""No file may be larger, unpacked; the published log has 432 MiB, the other files 4 MiB at most."""
LARGEST_OTHER_BYTES: Final = 256 * MIB


class Digest(Protocol):
    """A hash in the making."""

    def update(self, data: bytes, /) -> None:
        """Take in more data."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines of a file; `first` is the number of the first one, the header being line 1."""

    data: bytes
    first: int

    @property
    def count(self) -> int:
        return self.data.count(b"\n")


@dataclass(frozen=True, slots=True)
class Source:
    """One copy of the data set. `sizes` are the unpacked bytes of each file."""

    path: Path
    names: tuple[str, ...]
    sizes: dict[str, int] = field(compare=False)
    members: dict[str, str] | None = field(default=None, compare=False)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The unpacked bytes of one of the files."""
        if self.members is None:
            with (self.path / name).open("rb") as file:
                yield file
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.members[name]) as file:
                yield file


def find_source(path: Path, names: tuple[str, ...]) -> Source:
    """Find the files in a folder, or anywhere inside a zip; nothing is unpacked to disk.

    Raises `SourceRefusedError` when one is missing, twice there, encrypted or too large, or when the path is neither.
    """
    if path.is_dir():
        return _folder(path, names)
    if not path.is_file():
        raise SourceRefusedError([Fault(path.name, 0, "", "there is no such file or folder")])
    if not zipfile.is_zipfile(path):
        raise SourceRefusedError([Fault(path.name, 0, "", "is neither a folder nor a whole zip file")])
    return _archive(path, names)


def _folder(path: Path, names: tuple[str, ...]) -> Source:
    sizes = {name: (path / name).stat().st_size for name in names if (path / name).is_file()}
    _require(path, names, sizes)
    return Source(path, names, sizes)


def _archive(path: Path, names: tuple[str, ...]) -> Source:
    members: dict[str, str] = {}
    sizes: dict[str, int] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except zipfile.BadZipFile as error:
        raise SourceRefusedError([Fault(path.name, 0, "", f"is a damaged zip file ({error})")]) from error
    for member in found:
        name = PurePosixPath(member.filename).name
        if name not in names or member.is_dir():
            continue
        if name in members:
            raise SourceRefusedError([Fault(path.name, 0, "", f"holds {name} more than once")])
        if member.flag_bits & 1:
            raise SourceRefusedError([Fault(name, 0, "", "is encrypted; unpack the zip and give the folder")])
        members[name], sizes[name] = member.filename, member.file_size
    _require(path, names, sizes)
    return Source(path, names, sizes, members)


def _require(path: Path, names: tuple[str, ...], sizes: dict[str, int]) -> None:
    missing = [name for name in names if name not in sizes]
    if missing:
        raise SourceRefusedError(
            [Fault(path.name, 0, "", f"has no {', '.join(missing)}: it is not the OULAD data set, or not all of it")]
        )
    for name, size in sizes.items():
        largest = LARGEST_BYTES.get(name, LARGEST_OTHER_BYTES)
        if size > largest:
            message = f"has {size // MIB:,} MiB unpacked; more than {largest // MIB:,} MiB are not read"
            raise SourceRefusedError([Fault(name, 0, "", message)])


def read_lines(source: Source, name: str, digest: Digest | None = None) -> Iterator[Lines]:
    """The file in pieces of whole lines.

    Raises `SourceRefusedError` when the file is damaged, ends in the middle of a line, or is not made of lines.
    """
    return ahead(_pieces(source, name, digest or hashlib.sha256()))


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made by another thread while the one before it is worked on."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="oulad-reader") as maker:
        upcoming = maker.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = maker.submit(next, items, None)
            yield item


def _pieces(source: Source, name: str, digest: Digest) -> Iterator[Lines]:
    first, rest = 1, b""
    try:
        with source.open(name) as file:
            while data := file.read(CHUNK_BYTES):
                digest.update(data)
                end = data.rfind(b"\n") + 1
                if not end and len(rest) + len(data) > LARGEST_LINE:
                    raise SourceRefusedError([Fault(name, first, "", "the line does not end: this is not a CSV file")])
                if end:
                    lines = Lines(rest + data[:end], first)
                    first, rest = first + lines.count, b""
                    yield lines
                rest += data[end:]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise SourceRefusedError([Fault(name, 0, "", f"cannot be read ({error})")]) from error
    if rest:
        raise SourceRefusedError([Fault(name, first, "", "the file ends in the middle of a line: it was cut off")])
    if first == 1:
        raise SourceRefusedError([Fault(name, 0, "", "the file is empty")])
