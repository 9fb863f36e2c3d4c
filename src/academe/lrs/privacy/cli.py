"""The command that erases an agent."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from academe.lrs.privacy.naming import key_of_text
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE, Erasure
from academe.platform.actor import system_actor
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command

_ACTOR: Final = system_actor("command to erase an agent")


def erase(
    agent: Annotated[
        str, typer.Option(help='Whom: an Agent as JSON, such as {"mbox": "mailto:name@example.com"}; `-` reads it.')
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a pseudonym in the place of an agent in all statements, and delete its states and profiles; for good."""
    asked = typer.get_text_stream("stdin").read() if agent == "-" else agent
    key = key_of_text(asked)
    if not yes:
        typer.confirm(f"Erase {key} for good?", abort=True, err=True)

    async def work() -> Erasure:
        async with open_database(settings_of_command()) as database:
            return await erase_agent(database, actor=_ACTOR, agent_key_text=key)

    erasure = run(work())
    if as_json:
        print_json(asdict(erasure) | {"home_page": HOME_PAGE})
        return
    if not erasure.pseudonyms:
        console.print("Nothing is known of this agent.")
        return
    console.print(
        f"{erasure.statements:,} statements, {erasure.documents:,} documents, {erasure.signatures:,} signatures.",
        highlight=False,
    )
    for pseudonym in erasure.pseudonyms:
        console.print(f"Known now as {pseudonym} at {HOME_PAGE}", highlight=False, soft_wrap=True)
