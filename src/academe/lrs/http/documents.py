"""What the three document resources have in common: their methods, over the verbs of `lrs.documents`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from academe.lrs.documents import queries, service
from academe.lrs.documents.merging import check_json
from academe.lrs.documents.types import Address, Content, Context, DocumentKind, etag_of, ids_as_json
from academe.lrs.errors import DocumentNotFoundError
from academe.lrs.http.answers import NO_CONTENT, content_answer, preconditions_of
from academe.lrs.http.exchange import JSON, Answer, Call, Method, Resource
from academe.lrs.http.parameters import activity_of, agent_of, document_id_of, registration_of, since_of
from academe.lrs.senders.types import Scope
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.identity import key_of
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.http.errors import PayloadTooLargeError

_ACTOR: Final = system_actor("lrs")

_CONTEXT_PARAMETERS: Final[Mapping[DocumentKind, frozenset[str]]] = {
    DocumentKind.STATE: frozenset({"activityId", "agent", "registration"}),
    DocumentKind.ACTIVITY_PROFILE: frozenset({"activityId"}),
    DocumentKind.AGENT_PROFILE: frozenset({"agent"}),
}

# It goes back as it came, in a header: no line breaks in it, and no characters that headers do not have.
_CONTENT_TYPE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?").fullmatch
_UNTYPED: Final = "application/octet-stream"
_MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class DocumentResource:
    """The methods of one of the resources; `id_parameter` names a document there, `scope` lets senders write."""

    kind: DocumentKind
    id_parameter: str
    scope: Scope

    def methods(self) -> Resource:
        """The methods with their parameters and scopes."""
        known = _CONTEXT_PARAMETERS[self.kind] | {self.id_parameter}
        writers = frozenset({self.scope, Scope.ALL})
        return {
            "GET": Method(self.get, known | {"since"}, writers | {Scope.READ_ALL}),
            "PUT": Method(self.put, known, writers),
            "POST": Method(self.post, known, writers),
            "DELETE": Method(self.delete, known, writers),
        }

    async def get(self, call: Call) -> Answer:
        """A document, or the ids of all that are in the context."""
        context = self._context_of(call)
        document_id, since = document_id_of(call, self.id_parameter), since_of(call)
        if document_id is not None:
            if since is not None:
                raise XapiFault("?since", f"This goes with a list of ids only, not with {self.id_parameter}.")
            return await _one(call, Address(context, document_id))
        found = await call.database.run(_ACTOR, partial(queries.ids_in, context=context, since=since))
        body = ids_as_json([each for each, _ in found])
        last_change = max((changed_at for _, changed_at in found), default=None)
        return content_answer(call, body, JSON, etag=etag_of(body), changed_at=last_change)

    async def put(self, call: Call) -> Answer:
        """Store a document."""
        address, content, preconditions = self._address_of(call), _content_of(call), preconditions_of(call)

        async def work(session: Session) -> None:
            await service.put_document(session, address, content, preconditions=preconditions, version=call.version)

        await call.database.run(_ACTOR, work)
        return NO_CONTENT

    async def post(self, call: Call) -> Answer:
        """Store a document, or merge it into the one that is there."""
        address, content, preconditions = self._address_of(call), _content_of(call), preconditions_of(call)

        async def work(session: Session) -> None:
            await service.post_document(
                session, address, content, preconditions=preconditions, limit_bytes=_limit_bytes(call)
            )

        await call.database.run(_ACTOR, work)
        return NO_CONTENT

    async def delete(self, call: Call) -> Answer:
        """Delete a document; of states, all of the context when none is named."""
        context, preconditions = self._context_of(call), preconditions_of(call)
        document_id = document_id_of(call, self.id_parameter)
        if document_id is None and self.kind is DocumentKind.STATE:
            await call.database.run(
                _ACTOR, partial(service.delete_documents, context=context, preconditions=preconditions)
            )
        else:
            address = self._address_of(call)
            await call.database.run(
                _ACTOR, partial(service.delete_document, address=address, preconditions=preconditions)
            )
        return NO_CONTENT

    def _context_of(self, call: Call) -> Context:
        names = _CONTEXT_PARAMETERS[self.kind]
        return Context(
            self.kind,
            activity=activity_of(call) if "activityId" in names else None,
            agent=key_of(agent_of(call)) if "agent" in names else None,
            registration=registration_of(call) if "registration" in names else None,
            institution_id=call.sender.institution_id,
        )

    def _address_of(self, call: Call) -> Address:
        context = self._context_of(call)
        document_id = document_id_of(call, self.id_parameter)
        if document_id is None:
            raise XapiFault(f"?{self.id_parameter}", "This parameter is required here.")
        return Address(context, document_id)


async def _one(call: Call, address: Address) -> Answer:
    document = await call.database.run(_ACTOR, partial(queries.document_at, address=address))
    if document is None:
        raise DocumentNotFoundError
    return content_answer(
        call,
        document.content.body,
        document.content.content_type,
        etag=document.etag,
        changed_at=document.changed_at,
    )


def _content_of(call: Call) -> Content:
    limit_bytes = _limit_bytes(call)
    if len(call.body) > limit_bytes:
        raise PayloadTooLargeError(limit_bytes)
    content_type = call.headers.get("content-type", _UNTYPED)
    if not _CONTENT_TYPE(content_type):
        raise XapiFault("", "The Content-Type must be 1 to 255 printable ASCII characters.")
    content = Content(call.body, content_type)
    check_json(content)
    return content


def _limit_bytes(call: Call) -> int:
    return call.database.settings.xapi_document_limit_mebibytes * _MEBIBYTE
