"""Tables of statements. Agents, verbs and activities are keys (`lrs.keys`)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, Text, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.database.base import PEOPLE, Base

BY_MONTH = {"postgresql_partition_by": "RANGE (stored)"}

INSTALLATION = UUID(int=0)
"""Stands in the tables of what statements share for the institution of senders that have none."""


def _of_institution() -> Any:
    return mapped_column(primary_key=True, server_default=text(f"'{INSTALLATION}'"))


class XapiStatement(Base):
    """A statement as it was sent, and what filters need of it. Append-only, partitioned by month of `stored`.

    `stored` is different for every statement and grows in the order of the commits. `statement` lacks what the store
    adds when it is read: `id`, `stored`, `authority`, `version`, and `timestamp` where the sender gave none.
    `happened_at` is the timestamp in UTC. `agent_key` is the actor, `activity_key` the object where it is an activity.
    `kind` is a word for what was done, by which rollups are told apart; `duration_seconds` is that of the result.
    `institution_id` is that of the sender, which bounds who reads it; null where the sender is the installation's own.
    """

    __tablename__ = "xapi_statement"

    stored: Mapped[datetime] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    sender_id: Mapped[UUID]
    authority_id: Mapped[UUID]
    agent_key: Mapped[UUID | None]
    verb_key: Mapped[UUID]
    activity_key: Mapped[UUID | None]
    registration: Mapped[UUID | None]
    happened_at: Mapped[datetime]
    version: Mapped[str]
    kind: Mapped[str]
    duration_seconds: Mapped[float | None]
    statement: Mapped[dict[str, Any]]
    institution_id: Mapped[UUID | None]

    __table_args__ = (
        Index(
            "ix_xapi_statement_institution",
            "institution_id",
            "stored",
            postgresql_where=text("institution_id IS NOT NULL"),
        ),
        Index("ix_xapi_statement_authority", "authority_id", "stored"),
        Index(
            "ix_xapi_statement_attachments",
            "stored",
            postgresql_where=text("statement ? 'attachments' OR (statement -> 'object') ? 'attachments'"),
        ),
        Index("ix_xapi_statement_agent", "agent_key", "stored"),
        Index("ix_xapi_statement_verb", "verb_key", "stored"),
        Index("ix_xapi_statement_activity", "activity_key", "stored"),
        Index(
            "ix_xapi_statement_registration",
            "registration",
            "stored",
            postgresql_where=text("registration IS NOT NULL"),
        ),
        {"info": {PEOPLE: True}, **BY_MONTH},
    )


class XapiStatementId(Base):
    """Where the statement of an id is; what makes ids unique over all months."""

    __tablename__ = "xapi_statement_id"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stored: Mapped[datetime]

    __table_args__ = ({"info": {PEOPLE: True}},)


class XapiStatementAgent(Base):
    """An agent that a statement mentions and that is not its actor; `is_narrow` where the `agent` filter finds it."""

    __tablename__ = "xapi_statement_agent"

    agent_key: Mapped[UUID] = mapped_column(primary_key=True)
    stored: Mapped[datetime] = mapped_column(primary_key=True)
    is_narrow: Mapped[bool]

    __table_args__ = (
        Index("ix_xapi_statement_agent_narrow", "agent_key", "stored", postgresql_where=text("is_narrow")),
        {"info": {PEOPLE: True}, **BY_MONTH},
    )


class XapiStatementActivity(Base):
    """An activity that a statement mentions and that is not its object."""

    __tablename__ = "xapi_statement_activity"

    activity_key: Mapped[UUID] = mapped_column(primary_key=True)
    stored: Mapped[datetime] = mapped_column(primary_key=True)

    __table_args__ = ({"info": {PEOPLE: True}, **BY_MONTH},)


class XapiReference(Base):
    """A statement whose object is another one, which may still be to come."""

    __tablename__ = "xapi_reference"

    target_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    stored: Mapped[datetime]

    __table_args__ = (Index(None, "id"), {"info": {PEOPLE: True}})


class XapiAlias(Base):
    """What a referring statement is found by besides its own properties: those of one statement along its references.

    `keys` are all keys of that statement, which a trigger writes to `xapi_alias_key`; the columns say which filter each
    belongs to.
    """

    __tablename__ = "xapi_alias"

    stored: Mapped[datetime] = mapped_column(primary_key=True)
    target_id: Mapped[UUID] = mapped_column(primary_key=True)
    verb_key: Mapped[UUID]
    activity_key: Mapped[UUID | None]
    registration: Mapped[UUID | None]
    agent_keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    related_agent_keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    related_activity_keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    keys: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))

    __table_args__ = ({"info": {PEOPLE: True}},)


class XapiAliasKey(Base):
    """The index of aliases by their keys, which a trigger of `xapi_alias` writes.

    It is a table because row-level security lets no index over arrays be used, and to read aliases in their order.
    """

    __tablename__ = "xapi_alias_key"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    stored: Mapped[datetime] = mapped_column(primary_key=True)
    target_id: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = ({"info": {PEOPLE: True}},)


class XapiVoided(Base):
    """A statement that another one voids, whose sender may know of it: it is not found, unless it voids itself."""

    __tablename__ = "xapi_voided"

    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    voided_at: Mapped[datetime] = mapped_column(index=True)


class XapiAuthority(Base):
    """An authority as statements show it; the id is the key of its agent, for indexes of agents `agent_key`."""

    __tablename__ = "xapi_authority"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agent_key: Mapped[UUID]
    agent: Mapped[dict[str, Any]]


class XapiAgent(Base):
    """An agent that statements are about; `names` are all that senders of an institution gave it.

    Here and in the tables below, `institution_id` is `INSTALLATION` for what the installation's own senders say.
    """

    __tablename__ = "xapi_agent"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str]
    object_type: Mapped[str]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    institution_id: Mapped[UUID] = _of_institution()

    __table_args__ = ({"info": {PEOPLE: True}},)


class XapiActivity(Base):
    """An activity that statements mention, with the definition merged from all that an institution's senders sent."""

    __tablename__ = "xapi_activity"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    iri: Mapped[str]
    definition: Mapped[dict[str, Any]]
    institution_id: Mapped[UUID] = _of_institution()


class XapiVerb(Base):
    """A verb that statements use, with its display merged from all that an institution's senders sent."""

    __tablename__ = "xapi_verb"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    iri: Mapped[str]
    display: Mapped[dict[str, Any]]
    institution_id: Mapped[UUID] = _of_institution()


class XapiAttachment(Base):
    """An attachment by its hash as the sender gave it, in lower case: any member of the SHA-2 family.

    `digest` names the file with its bytes (`platform.files`), of which there are `length`. `content_type` is that of
    the first time; each statement says its own.
    """

    __tablename__ = "xapi_attachment"

    sha2: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(index=True)
    content_type: Mapped[str]
    length: Mapped[int] = mapped_column(BigInteger)
    kept_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("sha2 ~ '^[0-9a-f]+$' AND length(sha2) IN (56, 64, 96, 128)", name="sha2_of_family"),
        CheckConstraint("digest ~ '^[0-9a-f]{64}$'", name="digest_of_file"),
        CheckConstraint("length >= 0", name="length_counted"),
        {"info": {PEOPLE: True}},
    )


class XapiAttachmentSource(Base):
    """An institution whose sender has brought the content of an attachment: its readers get it, others do not.

    Whoever knows a hash can name it in a statement; only whoever has the content can bring it. `institution_id` is
    `INSTALLATION` for the installation's own senders.
    """

    __tablename__ = "xapi_attachment_source"

    sha2: Mapped[str] = mapped_column(ForeignKey("xapi_attachment.sha2", ondelete="CASCADE"), primary_key=True)
    institution_id: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = ({"info": {PEOPLE: True}},)
