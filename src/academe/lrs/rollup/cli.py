"""`academe lrs rebuild`: the rollup, counted anew from the statements."""

import asyncio
from collections.abc import Callable

import typer

from academe.lrs.institutions import RESOLVERS
from academe.lrs.rollup.follower import rebuild as rebuild_rollup
from academe.lrs.rollup.links import Resolvers
from academe.platform.commands import AsJson, console, settings_of_command
from academe.platform.database.session import Database
from academe.platform.settings import Settings


def rebuild(context: typer.Context, as_json: AsJson = False) -> None:
    """Count all statements anew: the days of every actor, and who the actors are.

    Readers see the old days until the new ones are there; the worker waits meanwhile.
    """
    make_resolvers: Callable[[Settings], Resolvers] = context.obj[RESOLVERS]
    settings = settings_of_command()
    with console.status("Counting the statements anew"):
        rows = asyncio.run(_rebuilt(settings, make_resolvers(settings)))
    if as_json:
        console.print_json(data={"activity_days": rows})
    else:
        console.print(f"{rows:,} activity days counted anew from the statements")


async def _rebuilt(settings: Settings, resolvers: Resolvers) -> int:
    database = Database(settings)
    try:
        return await rebuild_rollup(database, resolvers)
    finally:
        await database.close()
