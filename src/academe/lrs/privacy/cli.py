"""The commands that erase an agent, and that say how long statements are kept."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer

from academe.lrs.privacy.naming import key_of_text
from academe.lrs.privacy.retention import Expired, expire, keep_for, preview, rules
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE, Erasure
from academe.platform.actor import system_actor
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command
from academe.platform.errors import FieldError, InvalidInputError

_ACTOR: Final = system_actor("command for privacy")


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


def retain(
    keep: Annotated[
        list[str] | None,
        typer.Option(help="KIND=MONTHS, several times: a kind, an activity type, or * for all others; 0 is for ever."),
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Let go what is over now, not in the coming night.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say how long statements are kept, and show what is over; deletes with --now alone."""
    changes = [_rule_of(text) for text in keep or ()]

    async def work() -> tuple[dict[str, int], Sequence[Expired]]:
        async with open_database(settings_of_command()) as database:
            async with database.transaction(_ACTOR, timeout_seconds=0) as session:
                for kind, months in changes:
                    await keep_for(session, actor=_ACTOR, kind=kind, months=months or None)
                kept, over = await rules(session), await preview(session)
            return kept, await expire(database) if now else over

    kept, over = run(work())
    if as_json:
        print_json({"rules": kept, "deleted": now, "months": [asdict(each) for each in over]})
        return
    for kind, months in sorted(kept.items()):
        console.print(f"{kind}: kept for {months} months", highlight=False)
    if not kept:
        console.print("There are no rules: everything is kept.")
    for each in over:
        went = ", ".join(f"{count:,} {kind}" for kind, count in each.statements.items())
        whole = "; nothing is left of it" if each.whole else ""
        console.print(f"{each.month:%Y-%m} {'deleted' if now else 'is over'}: {went}{whole}", highlight=False)


def _rule_of(text: str) -> tuple[str, int]:
    """The kind and months of `KIND=MONTHS`; an activity type may have equals signs of its own."""
    kind, equals, months = text.rpartition("=")
    if not equals or not months.isdecimal():
        raise InvalidInputError(errors=[FieldError("keep", "must be KIND=MONTHS, such as quiz=36")])
    return kind, int(months)
