"""What names a document, and what it is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from academe.lrs.keys import key_uuid


class DocumentKind(StrEnum):
    """The three resources that keep documents."""

    STATE = "state"
    ACTIVITY_PROFILE = "activity_profile"
    AGENT_PROFILE = "agent_profile"


@dataclass(frozen=True, slots=True)
class Context:
    """What documents belong to.

    `activity` is an IRI (state and activity profile), `agent` the key of an agent (`xapi.identity`; state and agent
    profile). `registration` is for states; a document without one is another than the document with one. Each
    institution has documents of its own (`institution_id`, that of the sender), and so have senders without one.
    """

    kind: DocumentKind
    activity: str | None = None
    agent: str | None = None
    registration: UUID | None = None
    institution_id: UUID | None = None

    @property
    def activity_key(self) -> UUID | None:
        """The key of the activity."""
        return None if self.activity is None else key_uuid(self.activity)

    @property
    def agent_key(self) -> UUID | None:
        """The key of the agent."""
        return None if self.agent is None else key_uuid(self.agent)


@dataclass(frozen=True, slots=True)
class Address:
    """One document in its context; `document_id` is the sender's name for it."""

    context: Context
    document_id: str

    @property
    def key(self) -> UUID:
        """The key of its row, made from all that names it."""
        registration = self.context.registration
        parts = (
            self.context.kind.value,
            self.context.activity,
            self.context.agent,
            None if registration is None else str(registration),
            self.document_id,
        )
        institution = self.context.institution_id
        # Without one the key is what it was before institutions were told apart.
        return key_uuid(json.dumps(parts if institution is None else (*parts, str(institution))))


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of a document and the Content-Type they came with."""

    body: bytes
    content_type: str

    @property
    def is_json(self) -> bool:
        """Whether its type is JSON, whatever the parameters of the type say."""
        return self.content_type.partition(";")[0].strip().lower() == "application/json"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is kept, its entity tag without quotes, and when it was stored or last changed."""

    content: Content
    etag: str
    changed_at: datetime


def etag_of(body: bytes) -> str:
    """The entity tag of content, without quotes: its SHA-1 in lower-case hexadecimal, as 1.0.3 demands (3.1.s4.b2)."""
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()


def ids_as_json(ids: Sequence[str]) -> bytes:
    """A list of documents' ids as it is sent, which is what its entity tag is made of."""
    return json.dumps(ids, ensure_ascii=False, separators=(",", ":")).encode()
