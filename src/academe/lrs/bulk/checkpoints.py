"""Where the import of a file has got to, in a small file of the data folder that is replaced after each step."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from academe.lrs.bulk.lines import RefusedLine

MOST_REFUSED_KEPT: Final = 1_000
"""Refused lines that are kept with their reasons; those after them are counted."""


@dataclass(slots=True)
class Progress:
    """What has been done of a file: `offset` bytes of its content, `lines` lines, the last of them included.

    `accepted` statements are in the store, whoever brought them first; `refused` lines are not.
    """

    offset: int = 0
    lines: int = 0
    accepted: int = 0
    refused: int = 0
    with_attachments: int = 0
    first_refused: list[RefusedLine] = field(default_factory=list)

    def refuse(self, lines: Iterable[RefusedLine]) -> None:
        """Count refused lines, and keep the first."""
        for line in lines:
            self.refused += 1
            if len(self.first_refused) < MOST_REFUSED_KEPT:
                self.first_refused.append(line)


class Checkpoint:
    """The place of the checkpoint of one file, imported in one way; a file that has changed begins again."""

    def __init__(self, folder: Path, source: Path, way: str) -> None:
        status = source.stat()
        named = f"{source.resolve()}\n{way}"
        self._path = folder / "xapi-imports" / f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.json"
        self._file = {"size": status.st_size, "changed": status.st_mtime_ns}

    def load(self) -> Progress:
        """What was done before; nothing for a file that is new, or another one, or a checkpoint that cannot be read."""
        try:
            kept: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
            if kept.pop("file") != self._file:
                return Progress()
            refused = [RefusedLine(**line) for line in kept.pop("first_refused")]
            return Progress(**kept, first_refused=refused)
        except FileNotFoundError:
            return Progress()
        except (ValueError, KeyError, TypeError, AttributeError):
            return Progress()  # to begin again is safe: statements are told apart by their ids

    def save(self, progress: Progress) -> None:
        """Replace the checkpoint, whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({"file": self._file, **asdict(progress)}), encoding="utf-8")
        new.replace(self._path)

    def remove(self) -> None:
        """Forget it: the file is imported to its end."""
        self._path.unlink(missing_ok=True)
