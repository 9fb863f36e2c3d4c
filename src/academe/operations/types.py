"""Where an import puts its rows, how it says how far it is, and what it did."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from academe.identity.types import OrgUnitKind

Progress = Callable[[str, int, int], None]
"""Told the name of the phase, how much of it is done and how much it is in all; may be called from any thread."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the organisation tree, found by its code; made below the institution when there is none."""

    code: str
    name: str
    kind: OrgUnitKind = OrgUnitKind.FACULTY


@dataclass(frozen=True, slots=True)
class Placement:
    """The institution that the rows belong to, made when there is none with the code, and the nodes of its units.

    A unit that `units` does not name lies at the institution itself.
    """

    code: str
    name: str
    units: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step wrote. `resumed` marks a step that an earlier, broken-off run of the same files had done."""

    name: str
    rows: int
    inserted: int
    updated: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What an import read and wrote. `read` counts the rows of each file; `clicks` is the sum of the log."""

    run_id: UUID
    institution_id: UUID
    read: Mapping[str, int]
    clicks: int
    steps: tuple[Step, ...]
    seconds: float

    @property
    def inserted(self) -> int:
        return sum(step.inserted for step in self.steps if not step.resumed)

    @property
    def updated(self) -> int:
        return sum(step.updated for step in self.steps if not step.resumed)

    def as_dict(self) -> dict[str, Any]:
        """The summary for JSON."""
        return {
            "run_id": str(self.run_id),
            "institution_id": str(self.institution_id),
            "read": dict(self.read),
            "clicks": self.clicks,
            "inserted": self.inserted,
            "updated": self.updated,
            "seconds": round(self.seconds, 1),
            "steps": [
                {
                    "name": step.name,
                    "rows": step.rows,
                    "inserted": step.inserted,
                    "updated": step.updated,
                    "resumed": step.resumed,
                }
                for step in self.steps
            ],
        }
