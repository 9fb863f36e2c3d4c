"""Commands over the platform: serving, the database, the audit chain, keys. Thin adapters; the work is
elsewhere.
"""

from typing import Annotated

import typer

from academe.platform.http import server
from academe.platform.settings import get_settings

serving = typer.Typer()
database = typer.Typer(
    help="The database: migrate, verify, open a shell, stop the embedded server.", no_args_is_help=True
)
audit = typer.Typer(help="The audit chain.", no_args_is_help=True)
keys = typer.Typer(help="Keys of field encryption.", no_args_is_help=True)


@serving.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on instead of ACADEME_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on instead of ACADEME_PORT.")] = None,
) -> None:
    """Serve Academe until Ctrl-C."""
    settings = get_settings()
    changes = {"host": host or settings.host, "port": settings.port if port is None else port}
    server.serve(settings.model_copy(update=changes))
