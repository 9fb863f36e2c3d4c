"""Commands for senders: add, list, revoke, rotate. The secret is printed by `add` and `rotate`, and never again."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.table import Table
from rich.text import Text
from sqlalchemy import true

from academe.lrs.institutions import Institution, institution_named
from academe.lrs.senders.models import Sender
from academe.lrs.senders.queries import ListedSender, id_of_key, listed, senders
from academe.lrs.senders.scopes import DEFAULT_SCOPES
from academe.lrs.senders.service import Issued, create_sender, revoke_sender, rotate_secret
from academe.lrs.senders.types import Scope
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

sender = typer.Typer(help="Programs that send statements: add, list, revoke, rotate.", no_args_is_help=True)

T = TypeVar("T")

Key = Annotated[str, typer.Argument(help="The sender's key.")]

_ACTOR: Final = system_actor("commands for senders")


@sender.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What people call the program.")],
    key: Annotated[str | None, typer.Option(help="Its key, the user name; made of the name when left out.")] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; several times. Left out: statements/write and statements/read/mine."),
    ] = None,
    institution: Institution = None,
    authority: Annotated[
        str | None,
        typer.Option(help="The Agent, as JSON, in whose name it sends; left out: its account at ACADEME_PUBLIC_URL."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Days until it expires; left out: never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a program send statements; prints its key and secret."""
    settings = settings_of_command()

    async def work(session: Session, actor: Actor) -> Issued:
        return await create_sender(
            session,
            actor=actor,
            name=name,
            home_page=settings.public_url,
            scopes=scope or DEFAULT_SCOPES,
            institution_id=await institution_named(context.obj, session, institution),
            key=key,
            authority=_agent(authority),
            expires_at=None if days is None else clock.now() + timedelta(days=days),
        )

    _print_issued(_in_transaction(work), as_json=as_json)


@sender.command("list")
def list_senders(as_json: AsJson = False) -> None:
    """List every sender and when it was last used."""

    async def work(session: Session, _actor: Actor) -> Sequence[ListedSender]:
        rows = await session.execute(senders(true()).order_by(Sender.name, Sender.id))
        return [listed(row) for row in rows]

    found = _in_transaction(work)
    if as_json:
        print_json({"senders": [asdict(each) | {"state": each.state} for each in found]})
        return
    table = Table("key", "name", "scopes", "state", "last used", title="Senders")
    for each in found:
        used = f"{each.last_used_at:%Y-%m-%d %H:%M}" if each.last_used_at else "never"
        table.add_row(Text(each.key), Text(each.name), " ".join(each.scopes), each.state.value, used)
    console.print(table)


@sender.command()
def revoke(key: Key, as_json: AsJson = False) -> None:
    """Let a program send no more; servers notice within 30 seconds."""

    async def work(session: Session, actor: Actor) -> Sender:
        return await revoke_sender(session, actor=actor, sender_id=await id_of_key(session, key))

    revoked = _in_transaction(work)
    if as_json:
        print_json({"id": revoked.id, "key": revoked.key, "revoked_at": revoked.revoked_at})
    else:
        console.print(f"{revoked.key} is revoked.", highlight=False)


@sender.command()
def rotate(key: Key, as_json: AsJson = False) -> None:
    """Give a program another secret; the one before ends within 30 seconds, and so do its tokens."""

    async def work(session: Session, actor: Actor) -> Issued:
        return await rotate_secret(session, actor=actor, sender_id=await id_of_key(session, key))

    _print_issued(_in_transaction(work), as_json=as_json)


def _in_transaction(work: Callable[[Session, Actor], Awaitable[T]]) -> T:
    async def done() -> T:
        async with open_database(settings_of_command()) as database, database.transaction(_ACTOR) as session:
            return await work(session, _ACTOR)

    return run(done())


def _agent(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        agent = json.loads(text)
    except ValueError as error:
        raise InvalidInputError(errors=[FieldError("authority", "is not JSON")]) from error
    if not isinstance(agent, dict):
        raise InvalidInputError(errors=[FieldError("authority", "is not a JSON object")])
    return agent


def _print_issued(issued: Issued, *, as_json: bool) -> None:
    made = issued.sender
    if as_json:
        print_json(
            {
                "id": made.id,
                "name": made.name,
                "key": made.key,
                "secret": issued.secret,
                "scopes": made.scopes,
                "authority": made.authority,
                "expires_at": made.expires_at,
            }
        )
        return
    console.print(f"key     {made.key}", highlight=False, soft_wrap=True)
    console.print(f"secret  {issued.secret}", highlight=False, soft_wrap=True)
    console.print("The secret is shown this once; keep it now.")
