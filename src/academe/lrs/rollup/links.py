"""Who an agent is, and what an activity belongs to: asked of the modules above, which know persons and offerings.

A module gives the worker a resolver for agents or for contexts. What it knows is kept as a link; what nobody knows is
asked again when the rollup is rebuilt.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from academe.lrs.xapi.identity import identifier_of
from academe.platform.database.session import Session

AgentResolver = Callable[[Session, Mapping[UUID, Mapping[str, Any]]], Awaitable[Mapping[UUID, UUID]]]
"""The persons that some agents are, by the agents' keys; each agent is given by its identifier, as an Agent has it."""

ContextResolver = Callable[[Session, Mapping[UUID, str]], Awaitable[Mapping[UUID, UUID]]]
"""The contexts that some activities stand for, by the activities' keys; each activity is given by its IRI."""


@dataclass(frozen=True, slots=True)
class Resolvers:
    """Those of all modules; the first that knows a key has it."""

    agents: Sequence[AgentResolver] = ()
    contexts: Sequence[ContextResolver] = ()


# An agent or activity is asked about when statements first mention it: it is noted in the same transaction as they are.
_NEW_AGENTS: Final = text(
    """
    SELECT a.id, a.key FROM xapi_agent a
    WHERE a.id IN (SELECT agent_key FROM xapi_statement WHERE stored > :after AND stored <= :upto)
      AND NOT EXISTS (SELECT FROM xapi_agent_link l WHERE l.agent_key = a.id)
    """
)
_NEW_CONTEXTS: Final = text(
    """
    SELECT a.id, a.iri FROM xapi_activity a
    WHERE a.id IN (SELECT activity_key FROM xapi_statement_activity WHERE stored > :after AND stored <= :upto
                   UNION SELECT activity_key FROM xapi_statement WHERE stored > :after AND stored <= :upto)
      AND NOT EXISTS (SELECT FROM xapi_context_link l WHERE l.activity_key = a.id)
    """
)
_LINK_AGENTS: Final = text(
    "INSERT INTO xapi_agent_link (agent_key, actor_id)"
    " SELECT * FROM unnest(CAST(:keys AS uuid[]), CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING"
)
_LINK_CONTEXTS: Final = text(
    "INSERT INTO xapi_context_link (activity_key, context_id)"
    " SELECT * FROM unnest(CAST(:keys AS uuid[]), CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING"
)


async def link_new(session: Session, resolvers: Resolvers, span: Mapping[str, Any]) -> None:
    """Ask about the agents and activities of a span of statements (`after`, `upto`) that have no link."""
    agents = {row.id: identifier_of(row.key) for row in await session.execute(_NEW_AGENTS, span)}
    for resolve_agents in resolvers.agents:
        if agents:
            found = await resolve_agents(session, agents)
            await _keep(session, _LINK_AGENTS, found)
            agents = {key: agent for key, agent in agents.items() if key not in found}
    activities = {row.id: row.iri for row in await session.execute(_NEW_CONTEXTS, span)}
    for resolve_contexts in resolvers.contexts:
        if activities:
            known = await resolve_contexts(session, activities)
            await _keep(session, _LINK_CONTEXTS, known)
            activities = {key: iri for key, iri in activities.items() if key not in known}


async def _keep(session: Session, statement: Any, found: Mapping[UUID, UUID]) -> None:
    if found:
        await session.execute(statement, {"keys": list(found), "ids": list(found.values())})
