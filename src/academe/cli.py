"""The command `academe`: the one file that knows every module's commands.

A module arrives here with one `add_typer` line for its `cli.py`.
"""

from typing import Annotated

import typer

from academe.platform.cli import audit, database, keys, serving
from academe.platform.commands import CommandGroup
from academe.platform.logging import configure_logging
from academe.platform.settings import get_settings
from academe.worker import run_worker

app = typer.Typer(
    name="academe",
    help="Academe, the open student-success platform.",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Academe, the open student-success platform."""  # the group reads the option when a command fails


@app.command()
def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs done at the same time.")] = 4,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when no job is left.")] = False,
) -> None:
    """Do background jobs until Ctrl-C."""
    settings = get_settings()
    configure_logging(settings)
    run_worker(settings, concurrency=concurrency, until_empty=until_empty)


app.add_typer(serving)
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
