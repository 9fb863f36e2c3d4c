"""Commands for the spool: what waits, whether it can be read, and storing it now."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typer

from academe.lrs.spool.errors import SegmentUnreadableError
from academe.lrs.spool.folder import DAMAGED, SpoolFolder
from academe.lrs.spool.replay import Replay
from academe.lrs.spool.segments import HEAD_BYTES, SegmentKey, scan
from academe.lrs.spool.spool import Spool
from academe.lrs.spool.types import SegmentName
from academe.lrs.statements.intake import Intake
from academe.platform.commands import (
    AsJson,
    FaultFoundError,
    console,
    open_database,
    print_json,
    run,
    settings_of_command,
)
from academe.platform.settings import Settings

spool = typer.Typer(help="Statements that wait for the database: list, verify, replay.", no_args_is_help=True)

_WAITING_BYTES: Final = 2**26


@spool.command("list")
def list_segments(as_json: AsJson = False) -> None:
    """Show what waits on this machine, without the database."""
    settings = settings_of_command()
    folder = SpoolFolder.of(settings)
    status = folder.status(settings.xapi_spool_mebibytes * 2**20)
    files = [_listed(path, name) for path, name in folder.segments()]
    if as_json:
        print_json({**asdict(status), "files": files})
        return
    for each in files:
        state = "damaged" if each["damaged"] else "waits"
        console.print(
            f"{each['file']}: {each['statements']:,} statements, {each['bytes']:,} bytes, from"
            f" {each['received_from']}, {state}",
            highlight=False,
            soft_wrap=True,
        )
    limit = f"of {status.limit_bytes:,} bytes" if status.limit_bytes else "bytes; the spool is off"
    console.print(f"{status.statements:,} statements wait; {status.used_bytes:,} {limit}.", highlight=False)


@spool.command()
def verify(as_json: AsJson = False) -> None:
    """Read every file with its checksums and its key; exit code 1 when something cannot be read."""
    settings = settings_of_command()
    found = [_verified(path, name, settings) for path, name in SpoolFolder.of(settings).segments()]
    if as_json:
        print_json({"files": found})
    else:
        for each in found:
            said = "; ".join(each["faults"]) or "whole"
            unfinished = f" ({each['unfinished_bytes']:,} bytes unfinished)" if each["unfinished_bytes"] else ""
            console.print(
                f"{each['file']}: {each['statements']:,} statements, {said}{unfinished}",
                highlight=False,
                soft_wrap=True,
            )
        if not found:
            console.print("Nothing waits.")
    if any(each["faults"] for each in found):
        raise FaultFoundError


@spool.command()
def replay(as_json: AsJson = False) -> None:
    """Store what waits and belongs to no running server, and what can be read by now of damaged files."""
    settings = settings_of_command()
    done = run(_replayed(settings))
    told = {
        "segments": len(done),
        "stored": sum(each.stored for each in done),
        "set_aside": sum(len(each.refused) for each in done),
        "faults": [fault for each in done for fault in each.faults],
    }
    if as_json:
        print_json(told)
    else:
        console.print(
            f"{told['stored']:,} statements of {told['segments']} files are stored, {told['set_aside']:,} set aside.",
            highlight=False,
        )
    if told["faults"]:
        raise FaultFoundError("Parts of files cannot be read; they are kept. See academe lrs spool verify.")


async def _replayed(settings: Settings) -> list[Replay]:
    async with open_database(settings) as database:
        intake = Intake(database, limit_bytes=_WAITING_BYTES)
        waiting = Spool(lambda: database, SpoolFolder.of(settings), limit_bytes=0, store=lambda: intake.store_kept)
        try:
            return await waiting.replay_all(damaged=True)
        finally:
            await waiting.close()


def _listed(path: Path, name: SegmentName) -> dict[str, Any]:
    data = path.read_bytes()
    return {
        "file": path.name,
        "received_from": name.received_at.isoformat(),
        "statements": scan(data).statements,
        "bytes": len(data),
        "damaged": path.suffix == DAMAGED,
    }


def _verified(path: Path, name: SegmentName, settings: Settings) -> dict[str, Any]:
    data = path.read_bytes()
    found = scan(data)
    faults = [f"bytes {start} to {end} are damaged" for start, end in found.damaged]
    try:
        key = SegmentKey.opened(name.identity, data[:HEAD_BYTES], settings.master_keys)
        for frame in found.frames:
            key.content(data, frame)
    except SegmentUnreadableError as error:
        faults.append(error.message)
    return {
        "file": path.name,
        "statements": found.statements,
        "unfinished_bytes": found.torn_bytes,
        "faults": faults,
    }
