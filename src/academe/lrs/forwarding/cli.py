"""Commands for forwards: add, list, pause, resume, retry, remove."""

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer
from rich.text import Text
from sqlalchemy import true

from academe.lrs.forwarding import filters, queries, service
from academe.lrs.forwarding.access import ShownForward, shown_for
from academe.lrs.forwarding.models import XapiForward
from academe.lrs.forwarding.service import ForwardWanted
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion
from academe.lrs.institutions import Institution, institution_named
from academe.platform.actor import Actor, system_actor
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

forward = typer.Typer(help="Other stores that get what arrives: add, list, pause, resume, retry.", no_args_is_help=True)

T = TypeVar("T")

Id = Annotated[UUID, typer.Argument(help="The forward's id, as `list` shows it.")]
Several = list[str] | None

SECRET: Final = "ACADEME_FORWARD_SECRET"  # noqa: S105 - the name of a variable
_ACTOR: Final = system_actor("commands for forwards")


@forward.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What people call the other store.")],
    endpoint: Annotated[str, typer.Argument(help="Address of its xAPI, such as https://lrs.example.org/xapi.")],
    key: Annotated[str, typer.Option(help=f"Its user name for us; the secret is read from {SECRET} or asked for.")],
    version: Annotated[ForwardVersion, typer.Option(help="The line of the standard it speaks.")] = ForwardVersion.ONE,
    institution: Institution = None,
    verb: Annotated[Several, typer.Option(help="IRI of a verb; several times.")] = None,
    activity: Annotated[Several, typer.Option(help="IRI of an activity, anywhere in the statement.")] = None,
    activity_type: Annotated[Several, typer.Option(help="IRI of the type of the object.")] = None,
    sender: Annotated[list[UUID] | None, typer.Option(help="Id of a sender.")] = None,
    agent: Annotated[Several, typer.Option(help="Actor or object: an Agent as JSON, or an e-mail address.")] = None,
    registration: Annotated[UUID | None, typer.Option(help="A registration.")] = None,
    voiding: Annotated[bool, typer.Option(help="Whether statements that void travel.")] = True,
    references: Annotated[bool, typer.Option(help="Whether other statements about statements travel.")] = True,
    since: Annotated[datetime | None, typer.Option(help="Stored since, UTC; left out: from now on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forward statements to another store."""
    settings = settings_of_command()
    faults: list[FieldError] = []
    wanted = ForwardFilter(
        verbs=filters.checked("verb", verb or (), filters.iri, faults),
        activities=filters.checked("activity", activity or (), filters.iri, faults),
        activity_types=filters.checked("activity-type", activity_type or (), filters.iri, faults),
        senders=sender or (),
        agents=filters.checked("agent", agent or (), filters.agent, faults),
        registration=registration,
        voiding=voiding,
        references=references,
    )
    if faults:
        raise InvalidInputError(errors=faults)
    secret = os.environ.get(SECRET) or typer.prompt("Secret", hide_input=True, err=True)

    async def work(session: Session, actor: Actor) -> XapiForward:
        return await service.add_forward(
            session,
            actor=actor,
            settings=settings,
            wanted=ForwardWanted(name, endpoint, version, wanted, key, secret),
            institution_id=await institution_named(context.obj, session, institution),
            since=None if since is None else since.replace(tzinfo=UTC),
        )

    made = _in_transaction(work)
    if as_json:
        print_json({"id": made.id, "name": made.name, "endpoint": made.endpoint, "starts_after": made.starts_after})
    else:
        console.print(f"{made.name} gets what arrives: {made.id}", highlight=False, soft_wrap=True)


@forward.command("list")
def list_forwards(as_json: AsJson = False) -> None:
    """List every forward and how it does."""

    async def work() -> Sequence[ShownForward]:
        async with open_database(settings_of_command()) as database:
            async with database.transaction(_ACTOR) as session:
                rows = await session.execute(queries.forwards(true()).order_by(XapiForward.name, XapiForward.id))
                found = [queries.forward_of(row) for row in rows]
            return await shown_for(database, found)

    found = run(work())
    if as_json:
        print_json({"forwards": [_as_json(each) for each in found]})
        return
    if not found:
        console.print("Nothing is forwarded.")
    for each in found:
        _print(each)


@forward.command()
def pause(forward_id: Id, as_json: AsJson = False) -> None:
    """Send nothing more until it is resumed."""
    _in_transaction(lambda session, actor: service.pause_forward(session, actor=actor, forward_id=forward_id))
    _done(forward_id, "It is paused.", as_json=as_json)


@forward.command()
def resume(forward_id: Id, as_json: AsJson = False) -> None:
    """Go on where it stopped."""
    _in_transaction(lambda session, actor: service.resume_forward(session, actor=actor, forward_id=forward_id))
    _done(forward_id, "It goes on.", as_json=as_json)


@forward.command()
def retry(
    forward_id: Id,
    letters: Annotated[bool, typer.Option("--letters", help="Send what was refused again, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try again now, and not only when the wait is over."""

    async def work(session: Session, actor: Actor) -> None:
        await service.retry_forward(session, actor=actor, forward_id=forward_id)
        if letters:
            await service.retry_letters(session, actor=actor, forward_id=forward_id)

    _in_transaction(work)
    _done(forward_id, "It tries again now.", as_json=as_json)


@forward.command()
def remove(
    forward_id: Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: AsJson = False
) -> None:
    """Remove it with its credentials and dead letters; what was sent stays there."""
    if not yes:
        typer.confirm(f"Remove forward {forward_id}?", abort=True, err=True)
    _in_transaction(lambda session, actor: service.remove_forward(session, actor=actor, forward_id=forward_id))
    _done(forward_id, "It is removed.", as_json=as_json)


def _in_transaction(work: Callable[[Session, Actor], Awaitable[T]]) -> T:
    async def done() -> T:
        async with open_database(settings_of_command()) as database, database.transaction(_ACTOR) as session:
            return await work(session, _ACTOR)

    return run(done())


def _done(forward_id: UUID, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": forward_id})
    else:
        console.print(sentence)


def _print(shown: ShownForward) -> None:
    """Lines and no table: the id must be whole, because the other commands need it."""
    one = shown.forward
    counts = f"{one.delivered:,} delivered, {one.letters:,} refused, {shown.behind.seconds(shown.now):,.0f} s behind"
    for line in (f"{one.id}  {one.state.value}: {one.name}", f"    {one.endpoint}", f"    {counts}"):
        console.print(Text(line), soft_wrap=True)
    if one.failure:
        console.print(Text(f"    {one.failure}"), soft_wrap=True)


def _as_json(shown: ShownForward) -> dict[str, object]:
    one = shown.forward
    return {
        "id": one.id,
        "name": one.name,
        "endpoint": one.endpoint,
        "version": one.version.value,
        "institution_id": one.institution_id,
        "state": one.state.value,
        "failure": one.failure,
        "position": one.position,
        "behind_seconds": shown.behind.seconds(shown.now),
        "delivered": one.delivered,
        "dead_letters": one.letters,
    }
