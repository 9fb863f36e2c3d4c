"""What lies in the mail; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.models import Person
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.messaging.types import MailStatus, MailTemplate, NotificationKind
from academe.platform.http.pagination import SortKey

NEWEST_CAUGHT: Final = (SortKey("id", CaughtMail.id, descending=True),)
NEWEST_TROUBLE: Final = (SortKey("id", MailMessage.id, descending=True),)
IN_TROUBLE: Final = (MailStatus.UNKNOWN, MailStatus.FAILED, MailStatus.SUPPRESSED)
"""States that wait for a person."""


@dataclass(frozen=True, slots=True)
class ShownCaught:
    """A caught letter in a list."""

    id: UUID
    receiver: str
    subject: str
    caught_at: datetime


@dataclass(frozen=True, slots=True)
class ShownTrouble:
    """A letter that was not delivered, or of which nobody knows."""

    id: UUID
    institution_id: UUID
    template: MailTemplate
    kind: NotificationKind | None
    status: MailStatus
    attempts: int
    created_at: datetime
    has_copy: bool
    reply_code: int | None
    reply: str | None
    address: str | None
    person: str


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address that is not written to."""

    institution_id: UUID
    address: str
    since: datetime
    reply: str


def caught(kept: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The caught letters for a condition, for `shown_caught`."""
    return select(CaughtMail.id, CaughtMail.receiver, CaughtMail.subject, CaughtMail.caught_at).where(kept)


def shown_caught(row: Row[*tuple[Any, ...]]) -> ShownCaught:
    """A row of `caught`."""
    return ShownCaught(*row[:4])


def trouble(kept: ColumnElement[bool], *, status: MailStatus | None = None) -> Select[*tuple[Any, ...]]:
    """The letters in trouble for a condition, for `shown_trouble`."""
    wanted = (
        select(
            MailMessage.id, MailMessage.institution_id, MailMessage.template, MailMessage.kind, MailMessage.status,
            MailMessage.attempts, MailMessage.created_at, MailMessage.has_copy, MailMessage.reply_code,
            MailMessage.reply, MailMessage.address, func.coalesce(Person.display_name, ""),
        )
        .outerjoin(Person, Person.id == MailMessage.person_id)
        .where(kept, MailMessage.status.in_(IN_TROUBLE))
    )  # fmt: skip
    return wanted if status is None else wanted.where(MailMessage.status == status)


def shown_trouble(row: Row[*tuple[Any, ...]]) -> ShownTrouble:
    """A row of `trouble`."""
    return ShownTrouble(*row[:12])


async def undeliverable(session: AsyncSession, kept: ColumnElement[bool], *, most: int = 200) -> Sequence[ShownAddress]:
    """The addresses that are not written to, newest first."""
    wanted = (
        select(
            UndeliverableAddress.institution_id,
            UndeliverableAddress.address,
            UndeliverableAddress.since,
            UndeliverableAddress.reply,
        )
        .where(kept)
        .order_by(UndeliverableAddress.since.desc(), UndeliverableAddress.address)
        .limit(most)
    )
    return [ShownAddress(*row) for row in await session.execute(wanted)]


async def counts(session: AsyncSession, kept: ColumnElement[bool]) -> dict[MailStatus, int]:
    """How many letters are in which state."""
    wanted = select(MailMessage.status, func.count()).where(kept).group_by(MailMessage.status)
    return dict(iter(await session.execute(wanted)))
