"""Commands of operations: imports."""

from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from academe.operations.errors import SourceRefusedError
from academe.operations.oulad.importer import OPEN_UNIVERSITY, import_oulad
from academe.operations.types import ImportSummary, Placement
from academe.platform.actor import system_actor
from academe.platform.commands import (
    AsJson,
    console,
    error_console,
    print_json,
    run,
    settings_of_command,
)
from academe.platform.database.session import TRANSIENT_STATES, Database, is_transient
from academe.platform.errors import ServiceUnavailableError

imports = typer.Typer(help="Import other systems' data.", no_args_is_help=True)


@imports.callback()
def _group() -> None:
    """Keeps `oulad` a command of its own while it is the only one."""


@imports.command()
def oulad(
    path: Annotated[Path, typer.Argument(help="The data set: its zip file, or the folder with its seven CSV files.")],
    institution: Annotated[
        str, typer.Option(help="Code of the institution that the records belong to; made when there is none.")
    ] = OPEN_UNIVERSITY.code,
    name: Annotated[str, typer.Option(help="Name of the institution, if it has to be made.")] = OPEN_UNIVERSITY.name,
    report: Annotated[Path | None, typer.Option(help="Write what is wrong with the files here, as CSV.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import the Open University Learning Analytics Dataset.

    All files are checked before anything is written. A second import changes nothing; an import that was broken off
    goes on where it was.
    """
    placement = Placement(institution, name, OPEN_UNIVERSITY.units)
    try:
        summary = run(_import(path, placement))
    except SourceRefusedError as error:
        if report is not None:
            report.write_text(error.report(), encoding="utf-8")
        if as_json:
            print_json(error.as_dict())
        raise
    if as_json:
        print_json(summary.as_dict())
    else:
        _print(summary)


async def _import(path: Path, placement: Placement) -> ImportSummary:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Without the observer of slow statements: here they are what was asked for.
    database = Database(settings_of_command())
    try:
        with Progress(*columns, console=error_console) as bars:
            tasks: dict[str, TaskID] = {}

            def show(phase: str, done: int, total: int) -> None:
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase, total=total)
                bars.update(tasks[phase], completed=done)

            try:
                return await import_oulad(
                    database, actor=system_actor("import oulad"), source=path, placement=placement, progress=show
                )
            except (DBAPIError, psycopg.OperationalError) as error:
                if not _is_lost(error):
                    raise
                raise ServiceUnavailableError(
                    "The connection to the database was lost. Every whole step is kept: run the same command again."
                ) from error
    finally:
        await database.close()


def _is_lost(error: DBAPIError | psycopg.OperationalError) -> bool:
    """Whether the server went away; COPY speaks to the driver directly, whose errors no SQLAlchemy error wraps."""
    if isinstance(error, DBAPIError):
        return is_transient(error)
    return error.sqlstate is None or error.sqlstate in TRANSIENT_STATES


def _print(summary: ImportSummary) -> None:
    table = Table(title=f"Imported in {summary.seconds:.1f} s: {summary.clicks:,} clicks")
    table.add_column("step")
    for heading in ("rows", "added", "changed"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for step in summary.steps:
        note = "done before" if step.resumed else ""
        table.add_row(step.name, f"{step.rows:,}", f"{step.inserted:,}", f"{step.updated:,}", note)
    console.print(table)
