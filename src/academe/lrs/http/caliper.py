"""`caliper`: the sensor endpoint (Caliper 1.2, its section on endpoints): POST of envelopes, GET of what is taken here.

Sensors name no version of xAPI; their statements are of 2.0. An envelope is taken whole or not at all.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from pydantic_core import to_json

from academe.lrs.caliper.checking import checked_envelope
from academe.lrs.caliper.errors import CaliperFault, EnvelopeTypeError
from academe.lrs.caliper.statements import statements_of
from academe.lrs.caliper.vocabulary import VERSIONS
from academe.lrs.http.exchange import JSON, Answer, Call
from academe.lrs.senders.types import Scope
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version

PARAMETERS: Final[frozenset[str]] = frozenset()
SCOPES: Final = frozenset({Scope.WRITE_STATEMENTS, Scope.ALL})

Store = Callable[[list[dict[str, Any]], Version], Awaitable[None]]
"""Stores checked statements of a version, all or none."""


async def receive(call: Call, store: Store) -> Answer:
    """Store the events and descriptions of an envelope.

    Answers with 200 and nothing (as the specification advises) once they are stored. Raises EnvelopeTypeError (415),
    CaliperFault (400) with the pointer of what is wrong, CaliperVersionError (422), and what `store` raises.
    """
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise EnvelopeTypeError
    envelope = checked_envelope(_parsed(call.body))
    statements = _each_once(statements_of(envelope, call.sender.authority))
    await store(statements, Version.TWO)
    return Answer(stored=len(statements))


async def configuration(call: Call) -> Answer:
    """What this endpoint takes; a sensor may ask before it sends."""
    limit_bytes = call.database.settings.xapi_request_limit_mebibytes * 2**20
    return Answer(
        body=to_json(
            {
                # In kilobytes.
                "caliperMaximumPayloadSize": limit_bytes // 1000,
                "caliperSupportedVersions": VERSIONS,
                "caliperSupportedExtensions": {"endpointName": "Academe"},
            }
        )
    )


def _parsed(body: bytes) -> Any:
    try:
        return parsed_json(body)
    except XapiFault as fault:
        raise CaliperFault(fault.pointer, fault.sentence) from None


def _each_once(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The statements, without those that an envelope holds twice; CaliperFault where one cannot be kept."""
    found: dict[str, dict[str, Any]] = {}
    for place, statement in enumerate(statements):
        try:
            checked(statement, Version.TWO)
        except XapiFault as fault:
            raise CaliperFault(f"/data/{place}", f"This cannot be kept as a statement. {fault.sentence}") from None
        if found.setdefault(statement["id"], statement) != statement:
            raise CaliperFault(f"/data/{place}/id", "Another event of this envelope has the same id.")
    return list(found.values())
