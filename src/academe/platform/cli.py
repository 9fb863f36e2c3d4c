"""Commands over the platform: serving, the database, the audit chain, keys. Thin adapters; the work is elsewhere."""

import os
import shutil
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import URL

from academe.platform.actor import system_actor
from academe.platform.audit.queries import ChainReport
from academe.platform.audit.queries import verify as verify_chain
from academe.platform.commands import (
    FAULT,
    AsJson,
    console,
    error_console,
    open_database,
    print_json,
    run,
    settings_of_command,
)
from academe.platform.database import migrate as migrations
from academe.platform.database.discovery import import_models
from academe.platform.database.engine import (
    APP_ROLE,
    OWNER_ROLE,
    READONLY_ROLE,
    database_url,
    embedded_server,
)
from academe.platform.database.verify import verify as verify_database
from academe.platform.encryption.rotation import Rotation, rotate_keys
from academe.platform.errors import BadRequestError, NotFoundError
from academe.platform.http import server
from academe.platform.settings import Settings, get_settings

serving = typer.Typer()
database = typer.Typer(
    help="The database: migrate, verify, open a shell, stop the embedded server.", no_args_is_help=True
)
audit = typer.Typer(help="The audit chain.", no_args_is_help=True)
keys = typer.Typer(help="Keys of field encryption.", no_args_is_help=True)


class Role(StrEnum):
    """The three roles of the database, by short names."""

    OWNER = "owner"
    APP = "app"
    READONLY = "readonly"


_ROLES = {Role.OWNER: OWNER_ROLE, Role.APP: APP_ROLE, Role.READONLY: READONLY_ROLE}


@serving.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on instead of ACADEME_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on instead of ACADEME_PORT.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Server processes instead of ACADEME_WEB_WORKERS.")
    ] = None,
) -> None:
    """Serve Academe until Ctrl-C."""
    settings = get_settings()
    changes = {
        "host": host or settings.host,
        "port": settings.port if port is None else port,
        "web_workers": workers or settings.web_workers,
    }
    database_url(settings)  # an embedded database that cannot be used is said here, and not by the server's traceback
    server.serve(
        settings.model_copy(update=changes),
        announce=lambda address: error_console.print(f"Serving Academe at [bold]{address}[/]"),
    )


@database.command()
def migrate(
    to: Annotated[str, typer.Option(help="Revision to migrate forward to.")] = "head",
    back_to: Annotated[
        str | None, typer.Option(help="Revision to go back to instead; `base` undoes everything.")
    ] = None,
    lose_data: Annotated[
        bool, typer.Option("--lose-data", help="Go back even where columns with data are dropped.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Migrate the database to this release, or back."""
    settings = settings_of_command()
    if back_to is None:
        done, verb = migrations.upgrade(settings, to), "Applied"
    else:
        done, verb = migrations.downgrade(settings, back_to, lose_data=lose_data), "Undid"
    at = migrations.current(settings)
    if as_json:
        print_json({"at": at, verb.lower(): done})
        return
    for revision in done:
        console.print(f"{verb} {revision}", highlight=False)
    console.print(f"The database is at {at or 'no migration'}.", highlight=False)


@database.command()
def verify(as_json: AsJson = False) -> None:
    """Check connection, version, extensions, migrations, roles and row-level security."""
    checks = verify_database(settings_of_command(), import_models())
    is_fit = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": is_fit, "checks": [asdict(check) for check in checks]})
    else:
        table = Table("Check", "", "What was found", title="The database")
        for check in checks:
            found = Text(check.detail)
            if not check.ok:
                found.append(f"\n{check.fix}", style="bold")
            table.add_row(Text(check.name), "[green]ok[/]" if check.ok else "[red]fault[/]", found)
        console.print(table)
    if not is_fit:
        raise typer.Exit(FAULT)


@database.command()
def psql(
    role: Annotated[Role, typer.Option(help="Role to connect as; the owner sees everything.")] = Role.OWNER,
) -> None:
    """Open PostgreSQL's own shell on the database."""
    settings = settings_of_command()
    url = database_url(settings, role=_ROLES[role])
    if url.password is not None:  # not on the command line, where other users of the machine could read it
        os.environ["PGPASSWORD"] = str(url.password)
    program = _psql_program(settings)
    shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    os.execv(program, [program, shown.render_as_string()])  # noqa: S606


@database.command()
def stop() -> None:
    """Stop the embedded database server; whatever uses it loses its connections."""
    embedded = embedded_server(settings_of_command())
    if embedded is None:
        raise BadRequestError("DATABASE_URL names a server that is not ours to stop.")
    console.print("The database server has stopped." if embedded.stop() else "The database server was not running.")


@audit.command("verify")
def verify_audit(
    expect_head: Annotated[
        str | None, typer.Option(help="A head hash (hexadecimal) noted earlier, which must still be in the chain.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no audit entry was changed, removed or inserted."""
    report = run(_chain_report(settings_of_command(), _from_hex(expect_head)))
    if as_json:
        print_json(
            {
                "whole": report.is_whole,
                "entries": report.entries,
                "head_seq": report.head_seq,
                "head_hash": report.head_hash.hex(),
                "faults": [{"seq": each.seq, "fault": each.fault, "detail": each.detail} for each in report.faults],
            }
        )
    else:
        _print_chain(report)
    if not report.is_whole:
        raise typer.Exit(FAULT)


@keys.command()
def rotate(as_json: AsJson = False) -> None:
    """Encrypt every sensitive field with a new key, and wrap the keys with the newest master key."""
    rotation = run(_rotation(settings_of_command(), quiet=as_json))
    if as_json:
        print_json(
            {
                "key": rotation.key,
                "fields": rotation.fields,
                "retired": rotation.retired,
                "rewrapped": rotation.rewrapped,
            }
        )
        return
    console.print(f"Key {rotation.key} now encrypts; {rotation.fields} fields were encrypted again.", highlight=False)


async def _chain_report(settings: Settings, expect_head: bytes | None) -> ChainReport:
    async with (
        open_database(settings) as opened,
        opened.reading(system_actor("verification of the audit"), timeout_seconds=0) as session,
    ):
        return await verify_chain(session, expect_head=expect_head)


async def _rotation(settings: Settings, *, quiet: bool) -> Rotation:
    async with open_database(settings) as opened:
        with error_console.status("Encrypting again") as status:

            def report(column: str, done: int) -> None:
                status.update(f"Encrypting again: {column}, {done} done")

            return await rotate_keys(opened, import_models(), report=None if quiet else report)


def _print_chain(report: ChainReport) -> None:
    if report.is_whole:
        console.print(f"The audit is whole: {report.entries} entries.", highlight=False)
        console.print(f"Its head is {report.head_hash.hex()}", highlight=False, soft_wrap=True)
        return
    table = Table("Entry", "Fault", "What was found", title="Faults of the audit")
    for fault in report.faults:
        table.add_row(str(fault.seq), fault.fault, fault.detail)
    console.print(table)


def _from_hex(text: str | None) -> bytes | None:
    try:
        return None if text is None else bytes.fromhex(text)
    except ValueError as error:
        raise BadRequestError("--expect-head is not hexadecimal.") from error


def _psql_program(settings: Settings) -> str:
    embedded = embedded_server(settings)
    if embedded is not None:
        return str(embedded.tool("psql"))
    found = shutil.which("psql")
    if found is None:
        raise NotFoundError("There is no psql on this machine; install PostgreSQL's client programs.")
    return found
