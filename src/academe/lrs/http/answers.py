"""Answers of the document and directory resources: content with its entity tag, and nothing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from academe.lrs.documents.preconditions import Preconditions
from academe.lrs.documents.types import etag_of
from academe.lrs.http.exchange import JSON, Answer, Call

NO_CONTENT: Final = Answer(status=204)

# Senders choose what is in a document and what type it has. No browser may take it for a page of this site.
AS_DATA_ONLY: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}


def preconditions_of(call: Call) -> Preconditions:
    """The headers of a request that make it conditional."""
    return Preconditions(call.headers.get("if-match"), call.headers.get("if-none-match"))


def json_answer(call: Call, value: Mapping[str, Any], *, changed_at: datetime | None = None) -> Answer:
    """A JSON object with its entity tag."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return content_answer(call, body, JSON, etag=etag_of(body), changed_at=changed_at)


def content_answer(
    call: Call, body: bytes, content_type: str, *, etag: str, changed_at: datetime | None = None
) -> Answer:
    """What was asked for, or 304 when the reader has it already. Raises PreconditionFailedError for If-Match.

    `etag` is the entity tag without quotes. `changed_at` becomes Last-Modified, which knows whole seconds only.
    """
    preconditions = preconditions_of(call)
    preconditions.require_match(etag)
    headers = {"ETag": f'"{etag}"', **AS_DATA_ONLY}
    if changed_at is not None:
        headers["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    if preconditions.is_known(etag):
        return Answer(status=304, headers=headers)
    return Answer(body=body, content_type=content_type, headers=headers)
