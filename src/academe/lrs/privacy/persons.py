"""The erasure of the agents that are known to be one person, in the transaction of a module above."""

import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from academe.lrs.privacy.naming import keys_of_same
from academe.lrs.privacy.service import erase_in
from academe.lrs.privacy.types import Erasure
from academe.lrs.rollup.models import XapiAgentLink
from academe.lrs.statements.models import XapiAgent
from academe.platform.actor import system_actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.ids import new_id


async def keys_of_actor(session: Session | ReadSession, actor_id: UUID, addresses: Sequence[str]) -> list[str]:
    """The keys of the agents that are linked to a person, and of those that have one of the person's addresses."""
    linked = await session.scalars(
        select(XapiAgent.key)
        .join(XapiAgentLink, XapiAgentLink.agent_key == XapiAgent.id)
        .where(XapiAgentLink.actor_id == actor_id)
    )
    given = [key for address in addresses for key in keys_of_same(f"mbox:{address.lower()}")]
    return sorted({*linked.all(), *given})


async def erase_agents_of(session: Session, *, actor_id: UUID, addresses: Sequence[str], signing_key: bytes) -> Erasure:
    """Put pseudonyms in the place of the agents of a person; needs the system as actor.

    The caller deletes `files` of what is returned behind the commit. Raises AgentSendsError.
    """
    keys = await keys_of_actor(session, actor_id, addresses)
    salt = hmac.digest(signing_key, b"erasure of an xAPI agent", hashlib.sha256)
    return await erase_in(
        session, actor=system_actor("erasure of a person"), keys=tuple(keys), salt=salt, request=new_id()
    )
