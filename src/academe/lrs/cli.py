"""Commands of the learning record store."""

import typer

from academe.lrs.bulk.cli import export_command, import_command
from academe.lrs.cleaning.cli import attachments
from academe.lrs.forwarding.cli import forward
from academe.lrs.privacy.cli import erase, retain
from academe.lrs.rollup.cli import rebuild
from academe.lrs.senders.cli import sender
from academe.lrs.spool.cli import spool

lrs = typer.Typer(help="The learning record store.", no_args_is_help=True)
lrs.add_typer(sender, name="sender")
lrs.add_typer(spool, name="spool")
lrs.add_typer(attachments, name="attachments")
lrs.add_typer(forward, name="forward")
lrs.command("import")(import_command)
lrs.command("export")(export_command)
lrs.command()(erase)
lrs.command()(retain)
lrs.command()(rebuild)


@lrs.callback()
def _group() -> None:
    """Keeps `sender` a group of its own while it is the only one."""
