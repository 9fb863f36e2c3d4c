"""Commands of backups."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from academe.operations.backups.keys import KeyFile
from academe.operations.backups.making import Manifest, export_keys, make_backup
from academe.operations.backups.restoring import Restored, restore_backup
from academe.operations.erasure.forgetting import forget_person
from academe.platform.commands import (
    AsJson,
    console,
    error_console,
    open_database,
    print_json,
    run,
    settings_of_command,
)

backups = typer.Typer(help="Backups: create, keys, restore.", no_args_is_help=True)


@backups.command()
def create(
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup.")], as_json: AsJson = False
) -> None:
    """Back up rows and files, without the keys of people: `academe backup keys` keeps those in a file of their own."""

    async def work() -> Manifest:
        async with open_database(settings_of_command()) as database:
            with error_console.status("Backing up") as status:
                return make_backup(database, folder, report=status.update)

    made = run(work())
    if as_json:
        print_json(asdict(made))
        return
    console.print(f"{made.rows:,} sealed rows, {made.files:,} files and the dump are in {folder}.", highlight=False)
    console.print("It has no keys of people: run academe backup keys, and keep only the newest file.", highlight=False)


@backups.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of the backup.")],
    keys: Annotated[Path, typer.Option(help="The newest file that academe backup keys wrote.")],
    as_json: AsJson = False,
) -> None:
    """Fill an empty database from a backup; whoever was erased since stays erased."""

    async def work() -> Restored:
        async with open_database(settings_of_command()) as database:
            with error_console.status("Restoring") as status:
                return await restore_backup(
                    database, folder, KeyFile.read(keys), erase_again=forget_person, report=status.update
                )

    restored = run(work())
    if as_json:
        print_json({"erased": restored.erased} | asdict(restored.manifest))
        return
    console.print(f"Restored the backup of {restored.manifest.made_at}.", highlight=False)
    console.print(f"{restored.erased:,} people stay erased.", highlight=False)


@backups.command("keys")
def keys_command(
    file: Annotated[Path, typer.Argument(help="Where the keys go, in place of what the file had before.")],
    as_json: AsJson = False,
) -> None:
    """Write the wrapped keys of people into one file; keep it apart from backups and keep no older one."""
    written = export_keys(settings_of_command(), file)
    figures = {"keys": len(written.keys), "destroyed": len(written.destroyed)}
    if as_json:
        print_json(figures)
        return
    console.print(f"{figures['keys']:,} keys; {figures['destroyed']:,} were destroyed.", highlight=False)
