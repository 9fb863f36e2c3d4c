"""PUT and POST of statements (xAPI 1.0.3 part three, 2.1; 2.0, 4.1.6.1)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic_core import to_json

from academe.lrs.http.exchange import JSON, Answer, Call
from academe.lrs.senders.scopes import allows
from academe.lrs.senders.types import Scope
from academe.lrs.statements.attachments import store_contents
from academe.lrs.statements.incoming import Batch, incoming
from academe.lrs.statements.intake import Intake
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.grammar import is_uuid
from academe.lrs.xapi.multipart import Attachment, Limits, Multipart, parsed_multipart, require_attachments
from academe.lrs.xapi.parsing import parsed_statements
from academe.lrs.xapi.signature import require_signatures
from academe.lrs.xapi.statement import checked, checked_batch
from academe.platform.files.store import FileStore

PUT_PARAMETERS: Final = frozenset({"statementId"})
POST_PARAMETERS: Final[frozenset[str]] = frozenset()
SCOPES: Final = frozenset({Scope.WRITE_STATEMENTS, Scope.ALL})

_NONE: Final[Mapping[str, Attachment]] = {}


class StatementWriting:
    """The handlers that take statements in; `intake` and `files` keep them, `limits` bound the parts of one request."""

    def __init__(self, intake: Callable[[], Intake], files: FileStore, limits: Limits) -> None:
        self._intake = intake
        self._files = files
        self._limits = limits

    async def put(self, call: Call) -> Answer:
        """Store one statement under the id of the query."""
        identifier = call.parameters.get("statementId")
        if identifier is None:
            raise XapiFault("?statementId", "This parameter is required here.")
        if not is_uuid(identifier):
            raise XapiFault("?statementId", "This must be a UUID such as 6d969975-8d7e-4506-ac19-877c57f2921a.")
        parts = self._parts(call)
        statement = checked(parsed_statements(parts.statements, call.version), call.version)
        given = statement.setdefault("id", identifier)
        if given.lower() != identifier.lower():
            raise XapiFault("/id", "The id of the statement must be that of the parameter statementId.")
        await self.store(call, [statement], parts.attachments, is_array=False)
        return Answer(status=204, stored=1)

    async def post(self, call: Call) -> Answer:
        """Store one statement or an array of them, all or none; answers with their ids."""
        parts = self._parts(call)
        body = parsed_statements(parts.statements, call.version)
        statements = checked_batch(body, call.version)
        ids = await self.store(call, statements, parts.attachments, is_array=type(body) is list)
        return Answer(body=to_json(ids), stored=len(ids))

    def _parts(self, call: Call) -> Multipart:
        content_type = call.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == JSON:
            return Multipart(call.body, _NONE)
        if kind == "multipart/mixed":
            return parsed_multipart(call.body, content_type, limits=self._limits)
        raise XapiFault("", "The Content-Type must be application/json, or multipart/mixed with attachments.")

    async def store(
        self, call: Call, statements: Sequence[dict[str, Any]], attachments: Mapping[str, Attachment], *, is_array: bool
    ) -> list[str]:
        """Store checked statements, all or none; returns their ids."""
        if attachments or any("attachments" in statement for statement in statements):
            require_attachments(statements, attachments, batch=is_array)
            for place, statement in enumerate(statements):
                require_signatures(statement, call.version, attachments, at=f"/{place}" if is_array else "")
        taken_apart = incoming(statements, call.version, call.sender)
        batch = Batch(
            statements=taken_apart,
            version=call.version,
            sender=call.sender,
            size=len(call.body),
            may_define=allows(call.sender.scopes, Scope.DEFINE),
            is_array=is_array,
            contents=await store_contents(self._files, attachments.values()) if attachments else (),
        )
        await self._intake().store(batch)
        return [str(statement.get("id", one.id)) for statement, one in zip(statements, taken_apart, strict=True)]
