"""Students and offerings in learning records: the accounts and addresses by which tools of this installation name them.

A tool names a student by an account whose `homePage` is the address of the installation and whose `name` is the student
number, and an offering by the address of its page, as the LTI launch and the documentation for tools tell it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Text, cast, func, select

from academe.academics.models import Offering, StudentRecord
from academe.platform.database.session import Session

if TYPE_CHECKING:  # for the names alone: the door loads what bulk imports need, and every command would wait for it
    from academe.lrs.api import AgentResolver, ContextResolver


def students_by_number(public_url: str) -> "AgentResolver":
    """Resolves accounts of this installation; a number that two institutions use names nobody."""
    home_page = public_url.rstrip("/")

    async def resolve(session: Session, agents: Mapping[UUID, Mapping[str, Any]]) -> Mapping[UUID, UUID]:
        accounts = {key: agent["account"] for key, agent in agents.items() if "account" in agent}
        numbers = {
            key: account["name"] for key, account in accounts.items() if account["homePage"].rstrip("/") == home_page
        }
        if not numbers:
            return {}
        found = await session.execute(
            select(StudentRecord.number, func.min(cast(StudentRecord.person_id, Text)))
            .where(StudentRecord.number.in_(set(numbers.values())))
            .group_by(StudentRecord.number)
            .having(func.count() == 1)
        )
        persons = {number: UUID(person) for number, person in found}
        return {key: persons[number] for key, number in numbers.items() if number in persons}

    return resolve


def offerings_by_address(public_url: str) -> "ContextResolver":
    """Resolves the addresses of the pages of offerings."""
    prefix = f"{public_url.rstrip('/')}/offerings/"

    async def resolve(session: Session, activities: Mapping[UUID, str]) -> Mapping[UUID, UUID]:
        named = {key: _uuid(iri.removeprefix(prefix)) for key, iri in activities.items() if iri.startswith(prefix)}
        asked = {offering for offering in named.values() if offering is not None}
        if not asked:
            return {}
        known = set(await session.scalars(select(Offering.id).where(Offering.id.in_(asked))))
        return {key: offering for key, offering in named.items() if offering in known and offering is not None}

    return resolve


def _uuid(text: str) -> UUID | None:
    """The id at the end of an address, which may have a slash or a page of the offering behind it."""
    try:
        return UUID(text.partition("/")[0])
    except ValueError:
        return None
