"""`about`: which versions are spoken here (xAPI 1.0.3 part three, 2.8; 2.0, 4.1.6.7). Everybody may ask."""

from typing import Final

from academe.lrs.http.answers import json_answer
from academe.lrs.http.exchange import Answer, Call, Method, Resource
from academe.lrs.xapi.versions import Version

# Of each line its newest patch is what is followed; requests may name any.
_VERSIONS: Final = ["1.0.0", "1.0.1", "1.0.2", Version.ONE.value, Version.TWO.value]


async def _get(call: Call) -> Answer:
    limit_bytes = call.database.settings.xapi_document_limit_mebibytes * 2**20
    extensions = {"urn:academe:lrs:document-limit-bytes": limit_bytes}
    return json_answer(call, {"version": _VERSIONS, "extensions": extensions})


RESOURCE: Final[Resource] = {"GET": Method(_get, frozenset(), frozenset())}
