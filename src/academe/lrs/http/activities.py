"""`activities`: all that is known of an activity (xAPI 1.0.3 part three, 2.5; 2.0, 4.1.6.4), from senders of the
reader's institution.
"""

from typing import Final

from academe.lrs.http.answers import json_answer
from academe.lrs.http.exchange import Answer, Call, Method, Resource
from academe.lrs.http.parameters import activity_of
from academe.lrs.senders.types import Scope
from academe.lrs.statements.queries import definitions_of
from academe.lrs.xapi.formats import activity_object
from academe.platform.actor import system_actor

_ACTOR: Final = system_actor("lrs")

_READERS: Final = frozenset(
    {
        *(Scope.READ_OWN_STATEMENTS, Scope.READ_STATEMENTS, Scope.DEFINE, Scope.PROFILE, Scope.STATE),
        *(Scope.READ_ALL, Scope.ALL),
    }
)


async def _get(call: Call) -> Answer:
    activity = activity_of(call)
    async with call.database.reading(_ACTOR) as session:
        known = await definitions_of(session, [activity], call.sender)
    return json_answer(call, activity_object(activity, known.get(activity)))


RESOURCE: Final[Resource] = {"GET": Method(_get, frozenset({"activityId"}), _READERS)}
