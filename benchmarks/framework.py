"""What every benchmark gives back, and how it is judged and printed."""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil
from rich.console import Console
from rich.table import Table

from academe.platform.settings import Settings

Bound = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure with its unit.

    `reference` is what it is compared with, in the same unit, measured in the same run; `ratio` is value / reference.
    `target` says in words what must hold; `met` is None where nothing is demanded.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    target: str | None = None
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a benchmark may use: the settings of this installation, the data set, and a place to say how far it is."""

    settings: Settings
    data: Path | None
    say: Callable[[str], None]


Benchmark = Callable[[Context], Sequence[Measure]]


def absolute(name: str, value: float, unit: str, bound: Bound | None = None, target: float | None = None) -> Measure:
    """A figure judged by itself, or only reported when no target is given."""
    if bound is None or target is None:
        return Measure(name, value, unit)
    return Measure(name, value, unit, target=f"{bound} {target:g} {unit}".strip(), met=_holds(value, bound, target))


def relative(name: str, value: float, reference: float, unit: str, bound: Bound, target: float) -> Measure:
    """A figure judged by its ratio to a reference of the same run."""
    ratio = value / reference
    return Measure(name, value, unit, reference, ratio, f"ratio {bound} {target:g}", _holds(ratio, bound, target))


def _holds(value: float, bound: Bound, target: float) -> bool:
    return value <= target if bound == "at most" else value >= target


def all_met(measures: Sequence[Measure]) -> bool:
    """Whether no demanded target was missed."""
    return all(measure.met is not False for measure in measures)


def as_json(name: str, measures: Sequence[Measure]) -> str:
    """The one JSON object a program reads."""
    return json.dumps(
        {"benchmark": name, "measures": [asdict(measure) for measure in measures], "machine": machine()},
        indent=2,
    )


def machine() -> dict[str, str | int | float]:
    """What the figures were measured on, without a name that identifies the machine."""
    return {
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def print_table(name: str, measures: Sequence[Measure], console: Console) -> None:
    """The table a person reads."""
    table = Table(title=f"academe benchmark {name}")
    for heading in ("measure", "value", "unit", "reference", "ratio", "target", "met"):
        table.add_column(heading, justify="left" if heading in {"measure", "unit", "target"} else "right")
    for measure in measures:
        met = {None: "", True: "[green]yes[/green]", False: "[red]NO[/red]"}[measure.met]
        table.add_row(
            measure.name,
            _figure(measure.value),
            measure.unit,
            _figure(measure.reference),
            _figure(measure.ratio),
            measure.target or "",
            met,
        )
    console.print(table)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
