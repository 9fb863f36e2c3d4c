"""The table of requests for corrections."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from academe.identity.privacy.rectification.types import RectificationStatus, RectifiedField
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of
from academe.platform.encryption import PersonText


class RectificationRequest(Identified, Timestamped, Base):
    """That a person wants a field of their record to say `wanted`, and what became of it.

    `wanted`, `reason` and `answer` are encrypted with the key of the person; they are empty once the person is erased.
    """

    __tablename__ = "rectification_request"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)
    field: Mapped[RectifiedField] = mapped_column(Vocabulary(RectifiedField))
    wanted: Mapped[str | None] = mapped_column(PersonText(owner="person_id"))
    reason: Mapped[str | None] = mapped_column(PersonText(owner="person_id"))
    status: Mapped[RectificationStatus] = mapped_column(
        Vocabulary(RectificationStatus), server_default=RectificationStatus.ASKED.value
    )
    answer: Mapped[str | None] = mapped_column(PersonText(owner="person_id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"), index=True)

    __table_args__ = (
        one_of("field", RectifiedField),
        one_of("status", RectificationStatus),
        CheckConstraint("(status = 'asked') = (decided_at IS NULL)", name="settled_at_a_time"),
        CheckConstraint("decided_by <> person_id", name="decided_by_another"),
        {"info": {PEOPLE: True}},
    )
