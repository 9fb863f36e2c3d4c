"""The command that removes what is left of attachments."""

from dataclasses import asdict
from typing import Annotated

import typer

from academe.lrs.cleaning.service import Leftovers, Removed, clean, leftovers
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command

attachments = typer.Typer(help="Attachments of statements: clean.", no_args_is_help=True)

_MEBIBYTE = 2**20


@attachments.callback()
def _group() -> None:
    """Keeps `attachments` a group while it has one command."""


@attachments.command("clean")
def clean_command(
    check: Annotated[bool, typer.Option("--check", help="Count what would go, and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove attachments that no statement names any more, and files that no attachment needs, after a week."""

    async def work() -> Leftovers | Removed:
        async with open_database(settings_of_command()) as database:
            return await (leftovers(database) if check else clean(database))

    found = run(work())
    if as_json:
        print_json(asdict(found))
    elif isinstance(found, Leftovers):
        console.print(
            f"{found.attachments:,} attachments that no statement names ({found.attachment_bytes / _MEBIBYTE:,.1f} MiB)"
            f" and {found.files:,} files that no attachment needs ({found.file_bytes / _MEBIBYTE:,.1f} MiB) would go.",
            highlight=False,
            soft_wrap=True,
        )
    else:
        console.print(
            f"{found.attachments:,} attachments and {found.files:,} files removed"
            f" ({found.file_bytes / _MEBIBYTE:,.1f} MiB).",
            highlight=False,
            soft_wrap=True,
        )
