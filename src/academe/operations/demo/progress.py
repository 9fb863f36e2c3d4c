"""Telling a waiting person what is being done: a bar while a step runs, a line with its time when it is done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

Report = Callable[[int, int], None]
"""Told how much of a step is done and how much it is in all; may be called from any thread."""


class Steps:
    """Steps shown on a console; without a terminal only the lines of finished ones."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """Show a step while the block runs; a step that raises is not reported as done."""
        began = time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bars:
            task = bars.add_task(title, total=None)

            def report(done: int, total: int) -> None:
                bars.update(task, completed=done, total=total)

            yield report
        self._console.print(f"[green]✓[/] {title} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)
