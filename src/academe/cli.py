"""The command `academe`: the one file that knows every module's commands.

A module arrives here with one `add_typer` line for its `cli.py`.
"""

import typer

from academe.platform.cli import audit, database, keys, serving

app = typer.Typer(
    name="academe",
    help="Academe, the open student-success platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(serving)
app.add_typer(database, name="db")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
