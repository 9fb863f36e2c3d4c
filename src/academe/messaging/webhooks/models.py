"""Tables of webhooks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from academe.messaging.webhooks.types import DeliveryState, SwitchedOff
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of
from academe.platform.encryption import EncryptedText

LONGEST_NAME = 200
LONGEST_URL = 2_000


class WebhookEndpoint(Identified, Timestamped, Base):
    """Where an institution wants to be told, and of what (`events`, names registered in `events.py`).

    Until `previous_until`, deliveries are signed with `previous_secret` too. `failures` are those since the last
    success, the first of them at `failing_since`; nothing is sent before `not_before`.
    """

    __tablename__ = "webhook_endpoint"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    name: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret: Mapped[str] = mapped_column(EncryptedText())
    previous_secret: Mapped[str | None] = mapped_column(EncryptedText())
    previous_until: Mapped[datetime | None]
    switched_off_at: Mapped[datetime | None]
    switched_off: Mapped[SwitchedOff | None] = mapped_column(Vocabulary(SwitchedOff))
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    failing_since: Mapped[datetime | None]
    not_before: Mapped[datetime | None]

    __table_args__ = (
        one_of("switched_off", SwitchedOff),
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name_length"),
        CheckConstraint(f"url ~ '^https?://' AND length(url) <= {LONGEST_URL}", name="url_form"),
        CheckConstraint("(previous_secret IS NULL) = (previous_until IS NULL)", name="previous_secret_ends"),
        CheckConstraint("(switched_off IS NULL) = (switched_off_at IS NULL)", name="switched_off_has_reason"),
        CheckConstraint("failures >= 0 AND (failures = 0) = (failing_since IS NULL)", name="failing_since_failure"),
        {"info": {PEOPLE: True}},
    )


class WebhookDelivery(Identified, Base):
    """One fact for one endpoint. `data` holds ids, dates and numbers, `link` a path within Academe or nothing.

    `person_id` is whom it concerns, where it is one person. `response` is the beginning of what was answered,
    `failure` what was wrong with the last attempt, in words of ours.
    """

    __tablename__ = "webhook_delivery"

    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="RESTRICT"))
    event: Mapped[str]
    data: Mapped[dict[str, Any]]
    link: Mapped[str] = mapped_column(server_default="")
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[DeliveryState] = mapped_column(Vocabulary(DeliveryState), server_default=DeliveryState.WAITING.value)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    milliseconds: Mapped[int | None]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    response: Mapped[str] = mapped_column(server_default="")
    failure: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (
        one_of("state", DeliveryState),
        CheckConstraint("(state = 'waiting') = (next_attempt_at IS NOT NULL)", name="waits_for_an_attempt"),
        CheckConstraint("attempts >= 0", name="attempts_not_negative"),
        CheckConstraint("link = '' OR (link LIKE '/%' AND link NOT LIKE '//%')", name="link_within"),
        Index("ix_webhook_delivery_endpoint_id_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_delivery_waiting", "endpoint_id", "next_attempt_at", postgresql_where=text("state = 'waiting'")
        ),
        Index("ix_webhook_delivery_dead", "endpoint_id", postgresql_where=text("state = 'dead'")),
        Index("ix_webhook_delivery_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        {"info": {PEOPLE: True}},
    )
