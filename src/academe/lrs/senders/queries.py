"""Which senders there are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select

from academe.lrs.senders.errors import SenderNotFoundError
from academe.lrs.senders.models import Sender
from academe.lrs.senders.scopes import in_order, scopes_named
from academe.lrs.senders.types import Scope
from academe.platform import clock
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.pagination import SortKey

BY_NAME: Final = (SortKey("name", Sender.name), SortKey("id", Sender.id))
"""The order of lists of senders."""

_SHOWN: Final = (
    *(Sender.id, Sender.institution_id, Sender.name, Sender.key, Sender.authority_key, Sender.scopes),
    *(Sender.created_at, Sender.expires_at, Sender.revoked_at, Sender.last_used_at),
)


class SenderState(StrEnum):
    """Whether a sender's credentials are accepted, and if not, why."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ListedSender:
    """A sender as lists show it, without its secret; `last_used_at` is up to a minute old."""

    id: UUID
    institution_id: UUID | None
    name: str
    key: str
    authority_key: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def state(self) -> SenderState:
        """What it is at this moment."""
        return state_of(self.revoked_at, self.expires_at)


def state_of(revoked_at: datetime | None, expires_at: datetime | None) -> SenderState:
    """What a sender is at this moment."""
    if revoked_at is not None:
        return SenderState.REVOKED
    return SenderState.EXPIRED if expires_at is not None and expires_at <= clock.now() else SenderState.ACTIVE


def senders(condition: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The senders for a condition, for `listed`."""
    return select(*_SHOWN).where(condition)


def listed(row: Row[*tuple[Any, ...]]) -> ListedSender:
    """What a row of `senders` shows."""
    id_, institution_id, name, key, authority_key, scopes, *times = row[: len(_SHOWN)]
    return ListedSender(id_, institution_id, name, key, authority_key, in_order(scopes_named(scopes)), *times)


def listed_of(sender: Sender) -> ListedSender:
    """The same of a row that is loaded."""
    return ListedSender(
        *(sender.id, sender.institution_id, sender.name, sender.key, sender.authority_key),
        in_order(scopes_named(sender.scopes)),
        *(sender.created_at, sender.expires_at, sender.revoked_at, sender.last_used_at),
    )


async def id_of_key(session: Session | ReadSession, key: str) -> UUID:
    """The id of the sender with a key; raises SenderNotFoundError."""
    found = (await session.execute(select(Sender.id).where(Sender.key == key))).scalar_one_or_none()
    if found is None:
        raise SenderNotFoundError
    return found
