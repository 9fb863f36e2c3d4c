"""The commands `academe lrs import` and `academe lrs export`."""

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, cast

import typer
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from academe.lrs.bulk.checkpoints import Checkpoint, Progress
from academe.lrs.bulk.compression import Compression, compression_named, plain
from academe.lrs.bulk.errors import FileInTheWayError
from academe.lrs.bulk.exporting import Written, cut_to_whole_lines, export_statements
from academe.lrs.bulk.importing import check_statements, import_statements, sender_of_key
from academe.lrs.bulk.lines import Rules
from academe.lrs.statements.queries import Filter
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import parsed_timestamp
from academe.lrs.xapi.identity import key_of
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked_actor
from academe.lrs.xapi.versions import Version
from academe.platform.actor import system_actor
from academe.platform.commands import (
    FAULT,
    AsJson,
    console,
    error_console,
    print_json,
    run,
    settings_of_command,
)
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError, FieldError, InvalidInputError

_ACTOR: Final = system_actor("commands for statements")
_STANDARD: Final = "-"
_SHOWN: Final = 20
_MEBIBYTE: Final = 2**20


def import_command(
    path: Annotated[str, typer.Argument(help="The file, plain or compressed by gzip or zstd; - for standard input.")],
    sender: Annotated[
        str | None, typer.Option(help="Key of the sender in whose name the statements will stand (lrs sender list).")
    ] = None,
    keep_authority: Annotated[
        bool, typer.Option("--keep-authority", help="Let each statement keep the authority that it brings.")
    ] = False,
    without_contents: Annotated[
        bool,
        typer.Option("--without-contents", help="Take statements with attachments although their data is not there."),
    ] = False,
    stop_at_first: Annotated[
        bool, typer.Option("--stop-at-first", help="End at the first line that is refused; what is before it stays.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether the lines are valid; store nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import statements, one JSON object to a line; after an interruption, the same command goes on where it was.

    Exit code 1 when a line was refused or the file is cut; every other line is stored then.
    """
    if sender is None and not check:
        raise typer.BadParameter("Say in whose name the statements will stand.", param_hint="--sender")
    settings = settings_of_command()
    rules = Rules(
        longest=settings.xapi_request_limit_mebibytes * _MEBIBYTE,
        without_contents=without_contents,
        stop_at_first=stop_at_first,
    )
    progress = Progress()
    fault: AcademeError | None = None

    async def work(stream: BinaryIO, bar: "_Bar") -> None:
        assert sender is not None
        database = Database(settings)
        try:
            way = f"{sender} {keep_authority} {without_contents} {stop_at_first}"
            await import_statements(
                database,
                actor=_ACTOR,
                sender=await sender_of_key(database, _ACTOR, sender),
                stream=stream,
                rules=rules,
                checkpoint=None if path == _STANDARD else Checkpoint(settings.data_dir, Path(path), way),
                keep_authority=keep_authority,
                say=bar.show,
            )
        finally:
            await database.close()

    with _reading(path) as (stream, bar):
        try:
            if check:
                check_statements(stream, rules, bar.show)
            else:
                run(work(stream, bar))
        except AcademeError as error:
            fault = error
        progress = bar.progress
    _print_import(progress, fault, checked=check, as_json=as_json)
    if fault is not None:
        raise fault
    if progress.refused:
        raise typer.Exit(FAULT)


def export_command(
    path: Annotated[
        str, typer.Argument(help="The file to write, by its name plain, .gz or .zst; - for standard output.")
    ],
    since: Annotated[str | None, typer.Option(help="Stored after this time (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option(help="Stored at this time or before.")] = None,
    agent: Annotated[str | None, typer.Option(help="About this Agent or Group, as JSON.")] = None,
    verb: Annotated[str | None, typer.Option(help="With the verb of this id.")] = None,
    activity: Annotated[str | None, typer.Option(help="About the activity of this id.")] = None,
    with_voided: Annotated[bool, typer.Option("--with-voided", help="Voided statements too.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on behind the last whole line; give the same filters as before.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    compression: Annotated[
        Compression | None, typer.Option(help="Instead of what the name says; for standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export statements, one JSON object to a line, in the order in which they were stored.

    The data of attachments is not in the file. With --json, the summary goes to standard error when the statements go
    to standard output.
    """
    wanted = Filter(
        agent=_agent_key(agent),
        verb=verb,
        activity=activity,
        since=_time("since", since),
        until=_time("until", until),
        with_voided=with_voided,
    )
    if resume and overwrite:
        raise typer.BadParameter("Either go on with the file or replace it.", param_hint="--resume, --overwrite")
    if resume and path == _STANDARD:
        raise typer.BadParameter("Only a file can be gone on with.", param_hint="--resume")
    settings = settings_of_command()
    kind = compression or (Compression.NONE if path == _STANDARD else compression_named(Path(path)))

    async def work() -> Written:
        database = Database(settings)
        try:
            with (
                _writing(path, kind, resume=resume, overwrite=overwrite) as (out, position),
                Bars(*_COLUMNS, console=error_console) as bars,
            ):
                task = bars.add_task("Exporting", total=None, count="")
                return await export_statements(
                    database,
                    actor=_ACTOR,
                    wanted=wanted,
                    out=out,
                    compression=kind,
                    position=position,
                    say=lambda now: bars.update(task, count=f"{now.statements:,} statements"),
                )
        finally:
            await database.close()

    _print_export(run(work()), to_standard=path == _STANDARD, as_json=as_json)


_COLUMNS: Final = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.fields[count]}"),
    TimeElapsedColumn(),
)


class _Bar:
    """The bar of an import, by the bytes that are read of the file, and what was said last."""

    def __init__(self, bars: Bars, raw: BinaryIO, size: int | None) -> None:
        self._bars = bars
        self._raw = raw
        self._size = size
        self._task = bars.add_task("Importing", total=size, count="")
        self.progress = Progress()

    def show(self, progress: Progress) -> None:
        """Show how far an import is."""
        self.progress = progress
        said = f"{progress.accepted:,} statements, {progress.refused:,} refused"
        if self._size is None:
            self._bars.update(self._task, count=said)
        else:
            self._bars.update(self._task, count=said, completed=self._raw.tell())


@contextmanager
def _reading(path: str) -> Iterator[tuple[BinaryIO, _Bar]]:
    """The content of a file, decompressed, and a bar."""
    with Bars(*_COLUMNS, console=error_console) as bars:
        if path == _STANDARD:
            given: io.BufferedReader = io.BufferedReader(cast("Any", sys.stdin.buffer))
            yield plain(given), _Bar(bars, given, None)
            return
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            yield plain(file), _Bar(bars, file, size)


@contextmanager
def _writing(
    path: str, kind: Compression, *, resume: bool, overwrite: bool
) -> Iterator[tuple[BinaryIO, datetime | None]]:
    """Where an export goes to, and behind which time of storing it begins."""
    if path == _STANDARD:
        yield sys.stdout.buffer, None
        return
    file = Path(path)
    position = cut_to_whole_lines(file, kind) if resume and file.exists() else None
    how = os.O_APPEND if resume else os.O_TRUNC if overwrite else os.O_EXCL
    try:
        # Its owner alone can read a new file: it is about people.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600)
    except FileExistsError:
        raise FileInTheWayError(f"{path} is there already: add --resume to go on with it, or --overwrite.") from None
    with os.fdopen(descriptor, "ab" if resume else "wb") as out:
        yield out, position
        out.flush()
        os.fsync(out.fileno())


def _agent_key(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        key = key_of(checked_actor(parsed_json(text.encode("utf-8", "surrogatepass"), what="The agent")))
    except XapiFault as fault:
        raise InvalidInputError(errors=[FieldError(f"agent{fault.pointer}", fault.sentence)]) from fault
    if key is None:
        raise InvalidInputError(errors=[FieldError("agent", "A group without an identifier cannot be looked for.")])
    return key


def _time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = parsed_timestamp(text, Version.TWO)
    except ValueError:
        time = None
    if time is None:
        raise InvalidInputError(errors=[FieldError(name, "This must be a time such as 2026-11-21T08:00:00Z.")])
    return time


def _print_import(progress: Progress, fault: AcademeError | None, *, checked: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "lines": progress.lines,
                "accepted": progress.accepted,
                "refused": progress.refused,
                "with_attachments": progress.with_attachments,
                "stored": not checked,
                "fault": None if fault is None else fault.message,
                "refused_lines": [asdict(line) for line in progress.first_refused],
            }
        )
        return
    verb = "valid" if checked else "in the store"
    console.print(f"{progress.lines:,} lines: {progress.accepted:,} statements {verb}, {progress.refused:,} refused.")
    if progress.with_attachments:
        console.print(f"{progress.with_attachments:,} statements describe attachments; their data was not in the file.")
    for line in progress.first_refused[:_SHOWN]:
        where = f"line {line.line}" + (f", {line.pointer}" if line.pointer else "")
        error_console.print(f"  {escape(f'{where}: {line.message}')}", highlight=False, soft_wrap=True)
    if progress.refused > _SHOWN:
        error_console.print(f"  ... and {progress.refused - _SHOWN:,} more", highlight=False)


def _print_export(written: Written, *, to_standard: bool, as_json: bool) -> None:
    if as_json:
        summary: dict[str, Any] = asdict(written)
        if to_standard:
            error_console.print(json.dumps(summary, default=str), soft_wrap=True, highlight=False, markup=False)
        else:
            print_json(summary)
        return
    error_console.print(
        f"{written.statements:,} statements exported, complete up to {written.through}.", highlight=False
    )
    if written.with_attachments:
        error_console.print(
            f"{written.with_attachments:,} of them have attachments, whose data is not in the file.", highlight=False
        )
