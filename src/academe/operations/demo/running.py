"""Bringing the demo up: database, migrations, what is built elsewhere, a worker beside the server, until Ctrl-C."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from rich.console import Console
from rich.table import Table

from academe.operations.demo.accounts import file_of, is_complete, read_passwords
from academe.operations.demo.plan import PEOPLE
from academe.operations.demo.progress import Steps
from academe.operations.demo.standing import read_standing
from academe.platform.actor import system_actor
from academe.platform.database import migrate
from academe.platform.database.engine import embedded_server
from academe.platform.database.session import Database
from academe.platform.errors import ConflictError
from academe.platform.http import server
from academe.platform.settings import Settings, get_settings

STOP_SECONDS: Final = 40
"""Longer than a worker gives its running jobs."""


class NotInProductionError(ConflictError):
    """A production installation never gets accounts whose passwords are printed."""

    title = "The demo is not for production"


def quieted(settings: Settings) -> Settings:
    """Settings for which a line for every request would push the sign-ins off the screen, unless asked otherwise.

    The server and the worker, which read their settings again, are told too.
    """
    if settings.log_level != "INFO":
        return settings
    os.environ["ACADEME_LOG_LEVEL"] = "WARNING"
    get_settings.cache_clear()
    return get_settings()


def prepare(settings: Settings, steps: Steps) -> None:
    """Start the database where it is ours, and migrate it. Raises NotInProductionError."""
    if settings.is_production:
        raise NotInProductionError(
            "ACADEME_ENVIRONMENT is production; the demo prints passwords and is for trying out."
        )
    embedded = embedded_server(settings)
    if embedded is not None:
        with steps.step("Start the database"):
            embedded.ensure_running()
    if migrate.current(settings) != migrate.head():
        with steps.step("Make the tables"):
            migrate.upgrade(settings)


def is_built(settings: Settings) -> bool:
    """Whether the institution is there, everybody can sign in, and their passwords can be printed."""
    return is_complete(read_passwords(file_of(settings.data_dir))) and asyncio.run(_stands(settings))


async def _stands(settings: Settings) -> bool:
    database = Database(settings)
    try:
        async with database.reading(system_actor("demo")) as session:
            return (await read_standing(session)).is_complete
    finally:
        await database.close()


def listener_for(settings: Settings, port: int | None) -> socket.socket:
    """A socket on the port that was asked for, or on the usual one, or on a free one when the usual one is busy."""
    if port is not None:
        return server.listen(settings.host, port)
    return server.listen(settings.host, settings.port, any_when_busy=True)


def run(settings: Settings, console: Console, listener: socket.socket, *, worker: Sequence[str]) -> None:
    """Serve, with the worker beside, until Ctrl-C or SIGTERM; both have ended when this returns."""
    with _told_to_end(), _beside(worker):
        server.serve(settings, listener, announce=lambda address: welcome(console, settings, address))
    if embedded_server(settings) is not None:
        console.print("The demo has stopped. Its database goes on, ready for the next start: academe db stop ends it.")


def welcome(console: Console, settings: Settings, address: str | None) -> None:
    """Print the address and who can sign in."""
    passwords = read_passwords(file_of(settings.data_dir))
    table = Table("Sign in as", "Password", "to see", title_justify="left", highlight=False)
    for person in PEOPLE:
        table.add_row(person.email, passwords[person.email], person.shows)
    console.print(table)
    if address is not None:
        console.print(f"\nAcademe is at [bold]{address}[/]  (Ctrl-C ends it)\n", highlight=False)


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does, so that the worker is ended too."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _beside(worker: Sequence[str]) -> Iterator[None]:
    """Run the worker in a process of its own for the time of the block."""
    process = subprocess.Popen([sys.executable, *worker])
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
