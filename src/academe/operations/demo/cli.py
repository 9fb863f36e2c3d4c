"""The command `academe demo`."""

from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console

from academe.operations.demo.progress import Steps
from academe.operations.demo.running import is_built, listener_for, prepare, quieted, run, welcome
from academe.platform.commands import settings_of_command
from academe.platform.settings import Settings

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to serve on; without it a free one if ACADEME_PORT is busy.")
]
Serve = Annotated[bool, typer.Option("--serve/--no-serve", help="Serve it, or only build it.")]


def bring_up(build: Callable[[Settings, Steps], None], *, worker: Sequence[str], port: int | None, serve: bool) -> None:
    """What the command does; the composition root brings the builder, loaded only when needed, and the worker.

    `worker` are the arguments with which Python runs the worker.
    """
    console = Console()
    settings = quieted(settings_of_command())
    steps = Steps(console)
    prepare(settings, steps)
    if not is_built(settings):
        build(settings, steps)
    if serve:
        run(settings, console, listener_for(settings, port), worker=worker)
    else:
        welcome(console, settings, None)
