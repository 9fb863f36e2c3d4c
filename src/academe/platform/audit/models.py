"""The tables of the audit: the entries, and the head of their chain."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from academe.platform.actor import ActorKind
from academe.platform.audit.types import EntryKind
from academe.platform.database.base import PEOPLE, Base, Vocabulary, one_of
from academe.platform.ids import new_id


class AuditEntry(Base):
    """What somebody did, to what, and why, in words that name no person; partitioned by month of `at`.

    The database numbers and chains the entries (`seq`, `prev_hash`, `hash`) and refuses to change, remove or backdate
    one, or to write one in the name of another. `person_id` is whose record it concerns.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        one_of("kind", EntryKind),
        one_of("actor_kind", ActorKind),
        CheckConstraint("(actor_kind = 'person') = (actor_person_id IS NOT NULL)", name="person_acts_by_id"),
        CheckConstraint("kind <> 'read' OR purpose IS NOT NULL", name="read_has_purpose"),
        Index("ix_audit_entry_seq", "seq"),
        Index("ix_audit_entry_person_id_at", "person_id", "at"),
        Index("ix_audit_entry_actor_person_id_at", "actor_person_id", "at"),
        Index("ix_audit_entry_institution_id_at", "institution_id", "at"),
        Index("ix_audit_entry_subject_id_at", "subject_id", "at"),
        {"info": {PEOPLE: True}, "postgresql_partition_by": "RANGE (at)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(primary_key=True, server_default=func.now())
    seq: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[EntryKind] = mapped_column(Vocabulary(EntryKind))
    action: Mapped[str]
    actor_kind: Mapped[ActorKind] = mapped_column(Vocabulary(ActorKind))
    actor_person_id: Mapped[UUID | None]
    actor_label: Mapped[str | None]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    institution_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None]
    purpose: Mapped[str | None]
    summary: Mapped[str]
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditChainHead(Base):
    """The one row that says how far the chain goes; whoever appends locks it until the commit."""

    __tablename__ = "audit_chain_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default=text("1"))
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
