"""Finds a benchmark by its name, runs it and prints what it found."""

import importlib
from pathlib import Path
from typing import Final

from academe.platform.commands import console, error_console
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.settings import Settings
from benchmarks.framework import Benchmark, Context, all_met, print_table
from benchmarks.framework import as_json as to_json

MODULES: Final = {
    "oulad": "benchmarks.oulad",
    "scoring": "benchmarks.scoring",
    "import": "benchmarks.import_oulad",
    "roster": "benchmarks.roster",
    "attendance": "benchmarks.attendance",
    "lrs": "benchmarks.lrs",
    "rollup": "benchmarks.rollup",
    "directory": "benchmarks.directory",
    "access": "benchmarks.access",
}


def run_benchmark(name: str, settings: Settings, data: Path | None, *, as_json: bool) -> bool:
    """Run one benchmark and print it; returns whether every target was met. Raises InvalidInputError for a name."""
    if name not in MODULES:
        raise InvalidInputError(
            f"There is no benchmark {name}", errors=[FieldError("name", f"one of {', '.join(MODULES)}")]
        )
    measure: Benchmark = importlib.import_module(MODULES[name]).measure
    measures = measure(Context(settings, data, lambda text: error_console.print(text, highlight=False)))
    if as_json:
        console.print(to_json(name, measures), soft_wrap=True, highlight=False, markup=False)
    else:
        print_table(name, measures, console)
    return all_met(measures)
