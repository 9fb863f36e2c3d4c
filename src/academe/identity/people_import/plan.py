"""What a file would add: its lines beside who is known, found with two statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from academe.identity import policy
from academe.identity.people_import.files import MOST_FAULTS, PeopleFile, PersonLine
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError

_KNOWN: Final = text("""
    SELECT person.sourced_id FROM person
    JOIN jsonb_array_elements_text(CAST(:keys AS jsonb)) AS wanted (key) ON person.sourced_id = wanted.key
    WHERE person.institution_id = :institution
""")
_TAKEN: Final = text("SELECT addresses_in_use(ARRAY(SELECT jsonb_array_elements_text(CAST(:addresses AS jsonb))))")


@dataclass(frozen=True, slots=True)
class PeoplePlan:
    """Everybody whom a file would add, how many are known already, and everything that is wrong with it."""

    new: Sequence[PersonLine]
    known: int
    errors: Sequence[FieldError]
    is_readable: bool

    @property
    def shown_errors(self) -> Sequence[FieldError]:
        """As many errors as anybody reads."""
        return self.errors[:MOST_FAULTS]

    @property
    def faulty_lines(self) -> int:
        """How many lines have a fault."""
        return len({error.line for error in self.errors})

    @property
    def can_be_applied(self) -> bool:
        """Whether somebody would be added, perhaps without the lines that have faults."""
        return self.is_readable and bool(self.new)


async def plan_import(
    session: Session | ReadSession, *, actor: Actor, institution_id: UUID, file: PeopleFile
) -> PeoplePlan:
    """Compare a file with the people of an institution."""
    keys = json.dumps([line.sourced_id for line in file.lines], ensure_ascii=False)
    known = set(await session.scalars(_KNOWN, {"keys": keys, "institution": institution_id}))
    new = [line for line in file.lines if line.sourced_id not in known]
    errors = [*file.errors, *await _wrong_addresses(session, actor, institution_id, new)]
    wrong = {error.line for error in errors}
    ordered = sorted(errors, key=lambda error: (error.line or 0, error.field))
    return PeoplePlan([line for line in new if line.line not in wrong], len(known), ordered, file.is_readable)


async def _wrong_addresses(
    session: Session | ReadSession, actor: Actor, institution_id: UUID, lines: Sequence[PersonLine]
) -> list[FieldError]:
    with_address = [line for line in lines if line.email]
    if not policy.can_manage_accounts(actor, institution_id):
        message = "Addresses to sign in with are given by administrators."
        return [FieldError("email", message, line.line) for line in with_address]
    addresses = json.dumps([line.email.lower() for line in with_address], ensure_ascii=False)
    taken = set(await session.scalars(_TAKEN, {"addresses": addresses}))
    message = "Somebody else signs in with this address."
    return [FieldError("email", message, line.line) for line in with_address if line.email.lower() in taken]
