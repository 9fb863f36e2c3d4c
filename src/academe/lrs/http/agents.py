"""`agents`: the Person that an Agent is part of (xAPI 1.0.3 part three, 2.4; 2.0, 4.1.6.3).

The Person has the identifier that was asked for and no other: which identifiers belong together is known above the
store, not to it.
"""

from collections.abc import Sequence
from typing import Final

from academe.lrs.http.answers import json_answer
from academe.lrs.http.exchange import Answer, Call, Method, Resource
from academe.lrs.http.parameters import agent_of
from academe.lrs.senders.types import Scope
from academe.lrs.statements.queries import names_of
from academe.lrs.xapi.formats import person
from academe.lrs.xapi.identity import key_of
from academe.platform.actor import system_actor

_ACTOR: Final = system_actor("lrs")

# The names come from statements of all senders of an institution; who reads only its own is told no more than it said.
_READ_NAMES: Final = frozenset({Scope.READ_STATEMENTS, Scope.PROFILE, Scope.READ_ALL, Scope.ALL})


async def _get(call: Call) -> Answer:
    agent = agent_of(call)
    names = await _names_of(call, key_of(agent)) if call.sender.scopes & _READ_NAMES else ()
    return json_answer(call, person([agent, *({"name": name} for name in names)]))


async def _names_of(call: Call, key: str | None) -> Sequence[str]:
    if key is None:
        return ()
    async with call.database.reading(_ACTOR) as session:
        return await names_of(session, key, call.sender)


RESOURCE: Final[Resource] = {
    "GET": Method(_get, frozenset({"agent"}), _READ_NAMES | {Scope.READ_OWN_STATEMENTS}),
}
