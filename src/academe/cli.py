"""The command `academe`: the one file that knows every module's commands.

A module arrives here with one `add_typer` line for its `cli.py`.
"""

from typing import Annotated

import typer

from academe.operations.cli import imports
from academe.operations.demo.cli import Port, Serve, bring_up
from academe.operations.demo.progress import Steps
from academe.platform.cli import audit, database, keys, serving
from academe.platform.commands import CommandGroup, later
from academe.platform.logging import configure_logging
from academe.platform.settings import Settings, get_settings
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


@app.command()
def demo(serve: Serve = True, port: Port = None) -> None:
    """Bring up the demo institution: database, tables, records, scores, sign-ins; then serve until Ctrl-C."""

    def build(settings: Settings, steps: Steps) -> None:
        # Loaded only when something is missing: the libraries that score take as long as all the rest of a start.
        from academe.operations.demo import building  # noqa: PLC0415

        building.build(settings, steps)

    bring_up(build, worker=("-c", "from academe.cli import app; app()", "worker"), port=port, serve=serve)


app.add_typer(serving)
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
app.add_typer(imports, name="import")
app.add_typer(
    typer.Typer(cls=later("academe.insight.cli", "risk"), help="Risk models and scores.", no_args_is_help=True),
    name="risk",
)
