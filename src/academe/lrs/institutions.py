"""Institutions by the names that people know them by, for commands.

This module stores only their ids; who knows more is told to the commands by the composition root.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError

INSTITUTIONS: Final = "lrs.institutions"
"""Where the composition root puts, in the context of every command, what tells the institutions there are."""

RESOLVERS: Final = "lrs.resolvers"
"""Where it puts what makes the resolvers of all modules (`lrs.rollup.links`)."""

Institution = Annotated[
    str | None,
    typer.Option(help="The institution whose senders it is about: its code, name or id; left out: those of everybody."),
]


@dataclass(frozen=True, slots=True)
class KnownInstitution:
    """An institution, and what people call it. Neither code nor name need be unique."""

    id: UUID
    code: str
    name: str


InstitutionsOf = Callable[[Session], Awaitable[Sequence[KnownInstitution]]]


async def institution_named(context: dict[str, Any], session: Session, given: str | None) -> UUID | None:
    """The id of the institution with this code, name (without regard to case) or id; None for none.

    `context` is the object of the command's context. Raises InvalidInputError, which lists the institutions, when none
    is called so or several are.
    """
    if given is None:
        return None
    known_to: InstitutionsOf = context[INSTITUTIONS]
    known = await known_to(session)
    wanted = given.casefold()
    found = [each for each in known if wanted in (str(each.id), each.code.casefold(), each.name.casefold())]
    if len(found) == 1:
        return found[0].id
    fault = f"{len(found)} institutions are called {given!r}; give the id" if found else f"{given!r} is none"
    listed = "; ".join(f"{each.code} ({each.name}, {each.id})" for each in found or known) or "none yet"
    raise InvalidInputError(errors=[FieldError("institution", f"{fault}: {listed}")])
