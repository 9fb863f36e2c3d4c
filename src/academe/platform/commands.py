"""What every command of `academe` shares: settings, the event loop, how results and faults are printed.

Exit codes: 0 all is well; 1 something is wrong, said in one line on standard error; 2 the command or the settings were
not understood. Results go to standard output, everything else to standard error, so that `--json` can be piped.
"""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeVar

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from typer.core import TyperGroup

from academe.platform.database.observe import observe
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError, FieldError
from academe.platform.logging import configure_logging
from academe.platform.settings import Settings, get_settings

FAULT: Final = 1
MISUNDERSTOOD: Final = 2
_MOST_ERRORS_SHOWN: Final = 20

T = TypeVar("T")

console: Final = Console()
"""For results and progress bars' neighbours: standard output."""

error_console: Final = Console(stderr=True)
"""For faults, notes and progress."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, for programs.")]


class FaultFoundError(AcademeError):
    """A check found something wrong and has already said what; the command ends with exit code 1."""

    title = "A fault was found"


def settings_of_command() -> Settings:
    """The settings, with logging at warnings and above so that progress and results stay readable."""
    settings = get_settings()
    quiet = settings if settings.log_level == "DEBUG" else settings.model_copy(update={"log_level": "WARNING"})
    configure_logging(quiet)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """A database for the time of a command."""
    database = Database(settings)
    observe(database)
    try:
        yield database
    finally:
        await database.close()


def print_json(value: object) -> None:
    """Print one JSON document on standard output, neither wrapped nor coloured."""
    console.print(json.dumps(value, default=str, ensure_ascii=False), soft_wrap=True, highlight=False, markup=False)


class CommandGroup(TyperGroup):
    """The root of the commands: turns what a command raises into one line and an exit code.

    With `--debug` the exception goes on to Python, which prints all of it.
    """

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, KeyboardInterrupt):
            raise
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            message, code = _said(error)
            if message is None:
                raise
            error_console.print(f"[bold red]Error:[/] {escape(message)}", highlight=False, soft_wrap=True)
            _print_fields(getattr(error, "errors", ()))
            raise typer.Exit(code) from error


def _said(error: Exception) -> tuple[str | None, int]:
    """One line about an exception and the exit code; no line for those of the command line's own library."""
    match error:
        case FaultFoundError():
            return error.message, FAULT
        case AcademeError():
            return error.message, FAULT
        case ValidationError() if error.title == Settings.__name__:
            return "; ".join(_setting_fault(fault) for fault in error.errors()), MISUNDERSTOOD
        case DBAPIError():
            return f"The database refused: {_first_line(error.orig)}", FAULT
        case SQLAlchemyError() | psycopg.Error():
            return f"The database refused: {_first_line(error)}", FAULT
        case OSError():
            named = f": {error.filename}" if error.filename else ""
            return f"{error.strerror or type(error).__name__}{named}", FAULT
        case _ if type(error).__module__.startswith("typer"):
            return None, MISUNDERSTOOD
        case _:
            said = f"{type(error).__name__}: {_first_line(error)}"
            return f"An unexpected fault, {said} (academe --debug ... shows where).", FAULT


def _setting_fault(fault: Any) -> str:
    place = ".".join(str(step) for step in fault["loc"])
    message: str = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _print_fields(errors: object) -> None:
    fields = [error for error in errors if isinstance(error, FieldError)] if isinstance(errors, tuple) else []
    for error in fields[:_MOST_ERRORS_SHOWN]:
        line = f"line {error.line}, " if error.line is not None else ""
        error_console.print(f"  {escape(f'{line}{error.field}: {error.message}')}", highlight=False, soft_wrap=True)
    if len(fields) > _MOST_ERRORS_SHOWN:
        error_console.print(f"  ... and {len(fields) - _MOST_ERRORS_SHOWN} more", highlight=False)


def later(module: str, attribute: str) -> type[TyperGroup]:
    """The class of a command group whose commands are imported when one of them, or their help, is asked for.

    For modules whose libraries take long to load: every other command would wait for them.
    """

    class LaterGroup(TyperGroup):
        def loaded(self) -> TyperGroup:
            group = typer.main.get_command(getattr(importlib.import_module(module), attribute))
            assert isinstance(group, TyperGroup)
            return group

        def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # as above
            return self.loaded().list_commands(ctx)

        def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # as above
            return self.loaded().get_command(ctx, cmd_name)

    return LaterGroup
