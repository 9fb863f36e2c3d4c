"""The command `academe`: the one file that knows every module's commands.

A module arrives here with one `add_typer` line for its `cli.py`.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from academe.lrs.institutions import INSTITUTIONS, RESOLVERS
from academe.operations.demo.cli import Port, Serve, bring_up
from academe.operations.demo.progress import Steps
from academe.platform.cli import audit, database, keys, serving
from academe.platform.commands import AsJson, CommandGroup, later, settings_of_command
from academe.platform.errors import NotFoundError
from academe.platform.logging import configure_logging
from academe.platform.settings import Settings, get_settings

app = typer.Typer(
    name="academe",
    help="Academe, the open student-success platform.",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,  # noqa: ARG001 - read by the group when a command fails
) -> None:
    """Academe, the open student-success platform."""
    context.obj = {RESOLVERS: _in_worker("resolvers_of"), INSTITUTIONS: _in_worker("known_institutions")}


def _in_worker(name: str) -> Callable[..., Any]:
    """A function of the worker, which knows every module, so that it is loaded by the commands that call it alone."""

    def call(*arguments: Any) -> Any:
        return getattr(importlib.import_module("academe.worker"), name)(*arguments)

    return call


@app.command()
def worker(
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Jobs done at the same time.")] = 4,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when no job is left.")] = False,
) -> None:
    """Do background jobs until Ctrl-C."""
    settings = get_settings()
    configure_logging(settings)
    from academe.worker import run_worker  # noqa: PLC0415 - knows every module, which other commands need not load

    run_worker(settings, concurrency=concurrency, until_empty=until_empty)


@app.command()
def demo(serve: Serve = True, port: Port = None) -> None:
    """Bring up the demo institution: database, tables, records, scores, sign-ins; then serve until Ctrl-C."""

    def build(settings: Settings, steps: Steps) -> None:
        # Loaded only when something is missing: the libraries that score take as long as all the rest of a start.
        from academe.operations.demo import building  # noqa: PLC0415

        building.build(settings, steps)

    bring_up(build, worker=("-c", "from academe.cli import app; app()", "worker"), port=port, serve=serve)


@app.command()
def benchmark(
    name: Annotated[
        str, typer.Argument(help="oulad, scoring, import, roster, attendance, lrs, rollup, directory or access.")
    ],
    data: Annotated[Path | None, typer.Option(help="The OULAD data set: its zip or folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what is claimed, against a reference in the same run; exit code 1 when a target is missed."""
    checkout = Path(__file__).parents[2]
    if not (checkout / "benchmarks").is_dir():
        raise NotFoundError("Benchmarks are run from a checkout of the source; this is an installed package")
    sys.path.insert(0, str(checkout))
    from benchmarks.run import run_benchmark  # noqa: PLC0415 - benchmarks are no part of the package

    if not run_benchmark(name, settings_of_command(), data, as_json=as_json):
        raise typer.Exit(1)


app.add_typer(serving)
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
app.add_typer(
    typer.Typer(
        cls=later("academe.identity.tokens.cli", "accounts"),
        help="Programs that act in their own name: add, list, revoke.",
        no_args_is_help=True,
    ),
    name="service-account",
)
app.add_typer(
    typer.Typer(
        cls=later("academe.operations.cli", "imports"), help="Import other systems' data.", no_args_is_help=True
    ),
    name="import",
)
app.add_typer(
    typer.Typer(
        cls=later("academe.operations.backups.cli", "backups"),
        help="Backups: create, keys, restore.",
        no_args_is_help=True,
    ),
    name="backup",
)
app.add_typer(
    typer.Typer(cls=later("academe.insight.cli", "risk"), help="Risk models and scores.", no_args_is_help=True),
    name="risk",
)
app.add_typer(
    typer.Typer(cls=later("academe.lrs.cli", "lrs"), help="The learning record store.", no_args_is_help=True),
    name="lrs",
)
