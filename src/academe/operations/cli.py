"""Commands of operations: imports."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from academe.operations.errors import SourceRefusedError
from academe.operations.oulad.importer import OPEN_UNIVERSITY, import_oulad
from academe.operations.types import ImportSummary, Placement
from academe.platform.actor import system_actor
from academe.platform.database.session import Database, is_transient
from academe.platform.errors import AcademeError
from academe.platform.settings import get_settings

imports = typer.Typer(help="Import other systems' data.", no_args_is_help=True)

REFUSED = 2
"""Exit code when the files are not what they should be; 1 is any other failure."""


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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Import the Open University Learning Analytics Dataset.

    All files are checked before anything is written. A second import changes nothing; an import that was broken off
    goes on where it was.
    """
    placement = Placement(institution, name, OPEN_UNIVERSITY.units)
    try:
        summary = asyncio.run(_import(path, placement, Console(stderr=True)))
    except SourceRefusedError as error:
        _refuse(error, report, as_json=as_json)
    except DBAPIError as error:
        if not is_transient(error):
            raise
        _fail("The connection to the database was lost. Every whole step is kept: run the same command again.", as_json)
    except AcademeError as error:
        _fail(error.message, as_json)
    else:
        if as_json:
            typer.echo(json.dumps(summary.as_dict(), indent=2))
        else:
            _print(summary)


async def _import(path: Path, placement: Placement, console: Console) -> ImportSummary:
    database = Database(get_settings())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=console) as bars:
            tasks: dict[str, TaskID] = {}

            def show(phase: str, done: int, total: int) -> None:
                if phase not in tasks:
                    tasks[phase] = bars.add_task(phase, total=total)
                bars.update(tasks[phase], completed=done)

            return await import_oulad(
                database, actor=system_actor("import oulad"), source=path, placement=placement, progress=show
            )
    finally:
        await database.close()


def _refuse(error: SourceRefusedError, report: Path | None, *, as_json: bool) -> None:
    if report is not None:
        report.write_text(error.report(), encoding="utf-8")
    if as_json:
        faults: list[dict[str, Any]] = [
            {"file": fault.file, "line": fault.line or None, "column": fault.column or None, "message": fault.message}
            for fault in error.faults
        ]
        typer.echo(json.dumps({"error": error.title, "complete": error.complete, "faults": faults}, indent=2))
    else:
        where = f"All of them: {report}" if report else "Use --report FILE for all of them."
        typer.echo(f"{error.message}\n{where}", err=True)
    sys.exit(REFUSED)


def _fail(message: str, as_json: bool) -> None:
    typer.echo(json.dumps({"error": message}) if as_json else message, err=not as_json)
    sys.exit(1)


def _print(summary: ImportSummary) -> None:
    table = Table(title=f"Imported in {summary.seconds:.1f} s: {summary.clicks:,} clicks")
    table.add_column("step")
    for heading in ("rows", "added", "changed"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for step in summary.steps:
        note = "done before" if step.resumed else ""
        table.add_row(step.name, f"{step.rows:,}", f"{step.inserted:,}", f"{step.updated:,}", note)
    Console().print(table)
