"""The table of documents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.lrs.documents.types import DocumentKind
from academe.platform.database.base import PEOPLE, Base, Vocabulary, one_of


class XapiDocument(Base):
    """A state, an activity profile or an agent profile.

    `id` is made from everything that names the document (`Address.key`). `activity` is an IRI, `agent` the key of an
    agent; `activity_key` and `agent_key` are their UUIDs (`lrs.keys`), which indexes use because the texts may be long.
    `institution_id` is that of the senders it belongs to, null for those that have none.
    `content` is kept byte for byte with the `content_type` it came with; `etag` is its SHA-1 in hexadecimal.
    """

    __tablename__ = "xapi_document"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(Vocabulary(DocumentKind))
    activity: Mapped[str | None]
    activity_key: Mapped[UUID | None]
    agent: Mapped[str | None]
    agent_key: Mapped[UUID | None]
    registration: Mapped[UUID | None]
    document_id: Mapped[str]
    content: Mapped[bytes]
    content_type: Mapped[str]
    etag: Mapped[str]
    changed_at: Mapped[datetime]
    institution_id: Mapped[UUID | None]

    __table_args__ = (
        one_of("kind", DocumentKind),
        CheckConstraint(
            "(activity IS NOT NULL) = (kind <> 'agent_profile')"
            " AND (agent IS NOT NULL) = (kind <> 'activity_profile')"
            " AND (registration IS NULL OR kind = 'state')",
            name="context_of_kind",
        ),
        CheckConstraint(
            "(activity IS NULL) = (activity_key IS NULL) AND (agent IS NULL) = (agent_key IS NULL)",
            name="keys_of_texts",
        ),
        Index(
            "ix_xapi_document_agent",
            "agent_key",
            "activity_key",
            postgresql_where=text("agent_key IS NOT NULL"),
        ),
        Index(
            "ix_xapi_document_activity",
            "activity_key",
            postgresql_where=text("agent_key IS NULL"),
        ),
        {"info": {PEOPLE: True}},
    )
