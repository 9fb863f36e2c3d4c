"""`agents/profile`: what is remembered of an agent (xAPI 1.0.3 part three, 2.6; 2.0, 4.1.6.5)."""

from typing import Final

from academe.lrs.documents.types import DocumentKind
from academe.lrs.http.documents import DocumentResource
from academe.lrs.http.exchange import Resource
from academe.lrs.senders.types import Scope

RESOURCE: Final[Resource] = DocumentResource(DocumentKind.AGENT_PROFILE, "profileId", Scope.PROFILE).methods()
