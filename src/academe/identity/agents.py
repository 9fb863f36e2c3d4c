"""Persons behind the agents of learning records: by the address they sign in with."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from academe.identity.models import Account
from academe.platform.database.session import Session

_MAILTO: Final = "mailto:"


async def persons_by_address(session: Session, agents: Mapping[UUID, Mapping[str, Any]]) -> Mapping[UUID, UUID]:
    """The persons whose account has the address of an agent's `mbox`, without regard to case."""
    addresses = {key: agent["mbox"].removeprefix(_MAILTO).lower() for key, agent in agents.items() if "mbox" in agent}
    if not addresses:
        return {}
    email = func.lower(Account.email)
    found = await session.execute(select(email, Account.person_id).where(email.in_(set(addresses.values()))))
    persons = {row[0]: row[1] for row in found}
    return {key: persons[address] for key, address in addresses.items() if address in persons}
