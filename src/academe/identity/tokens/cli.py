"""Commands for service accounts: add, list, revoke."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.table import Table
from sqlalchemy import select

from academe.identity.models import OrgUnit, Person
from academe.identity.tokens.models import ServiceAccount
from academe.identity.tokens.scopes import EVERYWHERE
from academe.identity.tokens.service import Issued, create_service_account, revoke_service_account
from academe.platform.actor import Actor, system_actor
from academe.platform.commands import AsJson, console, open_database, print_json, run, settings_of_command
from academe.platform.errors import NotFoundError

accounts = typer.Typer(help="Programs that act in their own name: add, list, revoke.", no_args_is_help=True)

_ACTOR: Final[Actor] = system_actor("commands for service accounts")


@accounts.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call the program.")],
    institution: Annotated[str, typer.Option(help="Code of the institution that it belongs to.")],
    scope: Annotated[list[str] | None, typer.Option(help="read or write; several times. Left out: read.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a service account; prints its client id and secret. Give it roles on its page."""

    async def work() -> Issued:
        async with open_database(settings_of_command()) as database, database.transaction(_ACTOR) as session:
            found = select(OrgUnit.id).where(OrgUnit.code == institution, OrgUnit.parent_id.is_(None))
            institution_id = (await session.execute(found)).scalar_one_or_none()
            if institution_id is None:
                raise NotFoundError(f"There is no institution with the code {institution}.")
            return await create_service_account(
                session,
                actor=_ACTOR,
                institution_id=institution_id,
                name=name,
                scopes=scope or [EVERYWHERE[0]],
                areas=(),
            )

    issued = run(work())
    if as_json:
        print_json({"client_id": str(issued.id), "client_secret": issued.secret})
        return
    console.print(f"Client id      {issued.id}")
    console.print(f"Client secret  {issued.secret}")


@accounts.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """List the service accounts that are in force."""

    async def work() -> Sequence[tuple[str, str, list[str]]]:
        async with open_database(settings_of_command()) as database, database.transaction(_ACTOR) as session:
            rows = await session.execute(
                select(ServiceAccount.person_id, Person.display_name, ServiceAccount.scopes)
                .join(Person, Person.id == ServiceAccount.person_id)
                .where(ServiceAccount.revoked_at.is_(None))
                .order_by(Person.display_name)
            )
            return [(str(id_), name, scopes) for id_, name, scopes in rows]

    found = run(work())
    if as_json:
        print_json([{"client_id": id_, "name": name, "scopes": scopes} for id_, name, scopes in found])
        return
    table = Table("Client id", "Name", "May at most")
    for id_, name, scopes in found:
        table.add_row(id_, name, ", ".join(scopes))
    console.print(table)


@accounts.command()
def revoke(client_id: Annotated[UUID, typer.Argument(help="The client id.")]) -> None:
    """End a service account and its tokens for good."""

    async def work() -> None:
        async with open_database(settings_of_command()) as database, database.transaction(_ACTOR) as session:
            await revoke_service_account(session, actor=_ACTOR, service_account_id=client_id)

    run(work())
    console.print("It is revoked.")
