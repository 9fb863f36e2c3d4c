"""Verbs of notifications: tell many people with one statement, say that one has read, choose what one is told."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from academe.messaging.errors import NotificationNotFoundError
from academe.messaging.notifications.models import Notification, NotificationPreference
from academe.messaging.notifications.policy import readable_by, require_notifying
from academe.messaging.types import ESSENTIAL, NotificationKind
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError
from academe.platform.ids import new_ids

CHANNEL: Final = "academe_notifications"
"""The channel of LISTEN/NOTIFY; a payload is ids of people whose bell has changed, without hyphens and in a row."""

_LISTED: Final = 200
"""People of one payload: PostgreSQL takes fewer than 8,000 bytes."""

# One statement for any number of receivers. Who is deactivated, does not want the kind or was told already gets none.
_NOTIFY: Final = text(
    f"""
    WITH notice AS (
        SELECT * FROM jsonb_to_recordset(CAST(:notices AS jsonb))
            AS (n integer, kind text, title text, body text, link text, dedup_key text, essential boolean)
    ), receiver AS (
        SELECT * FROM jsonb_to_recordset(CAST(:receivers AS jsonb)) AS (n integer, id uuid, person_id uuid)
    ), written AS (
        INSERT INTO notification (id, person_id, kind, title, body, link, dedup_key)
        SELECT receiver.id, person.id, notice.kind, notice.title, notice.body, notice.link, notice.dedup_key
        FROM receiver JOIN notice USING (n)
        JOIN person ON person.id = receiver.person_id AND person.status = 'active'
        LEFT JOIN notification_preference preference
            ON preference.person_id = person.id AND preference.kind = notice.kind
        WHERE notice.essential OR coalesce(preference.in_bell, true)
        ORDER BY person.id, receiver.id
        ON CONFLICT (person_id, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING
        RETURNING person_id
    ), numbered AS (
        SELECT person_id, (row_number() OVER () - 1) / {_LISTED} AS part
        FROM (SELECT DISTINCT person_id FROM written) told
    ), payload AS (
        SELECT string_agg(replace(person_id::text, '-', ''), '') AS ids FROM numbered GROUP BY part
    )
    SELECT (SELECT count(*) FROM written), (SELECT count(pg_notify('{CHANNEL}', ids)) FROM payload)
    """  # noqa: S608 - constants
)
_CHANGED: Final = text(f"SELECT pg_notify('{CHANNEL}', :ids)")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: `title` up to 200 characters, `body` up to 4,000, `link` a path within Academe or empty.

    Under the same `dedup_key` a person is told once, for ever; without one, each time.
    """

    kind: NotificationKind
    title: str
    body: str = ""
    link: str = ""
    dedup_key: str | None = None


async def notify(session: Session, *, actor: Actor, notice: Notice, receivers: Collection[UUID]) -> int:
    """Tell the same to many people, in the caller's transaction; returns how many were told, by one statement.

    Who is deactivated, was told before or does not want the kind is passed over. Only for the system (`can_notify`).
    """
    return await notify_each(session, actor=actor, notices=[(notice, receivers)])


async def notify_each(session: Session, *, actor: Actor, notices: Sequence[tuple[Notice, Collection[UUID]]]) -> int:
    """Tell several things, each to its own receivers, with one statement; otherwise as `notify`."""
    require_notifying(actor)
    pairs = [(number, person) for number, (_, people) in enumerate(notices) for person in dict.fromkeys(people)]
    if not pairs:
        return 0
    ids = new_ids(len(pairs))
    values = {
        "notices": json.dumps([_as_row(number, notice) for number, (notice, _) in enumerate(notices)]),
        "receivers": json.dumps(
            [{"n": n, "id": str(id_), "person_id": str(person)} for (n, person), id_ in zip(pairs, ids, strict=True)]
        ),
    }
    told: int = (await session.execute(_NOTIFY, values)).one()[0]
    if told:
        about = Subject("notification", ids[0], None, pairs[0][1] if len(pairs) == 1 else None)
        _leave_entry(session, actor, about, {notice.kind for notice, _ in notices}, told)
    return told


async def mark_read(session: Session, *, actor: Actor, notification_id: UUID, read: bool = True) -> Notification:
    """Say that one has read a notification, or has not; raises NotificationNotFoundError.

    No entry in the audit: when somebody read what they were told stands in the row itself.
    """
    person_id = _person(actor)
    wanted = select(Notification).where(Notification.id == notification_id, readable_by(actor), Notification.in_bell)
    notification = (await session.execute(wanted.with_for_update())).scalar_one_or_none()
    if notification is None:
        raise NotificationNotFoundError
    if (notification.read_at is not None) != read:
        notification.read_at = clock.now() if read else None
        await session.flush()
        await _tell_change(session, person_id)
    return notification


async def mark_all_read(session: Session, *, actor: Actor, kind: NotificationKind | None = None) -> int:
    """Say that one has read everything, or everything of a kind; returns how many were unread."""
    person_id = _person(actor)
    unread = update(Notification).where(Notification.person_id == person_id, Notification.read_at.is_(None))
    if kind is not None:
        unread = unread.where(Notification.kind == kind)
    done = await session.execute(unread.values(read_at=clock.now()).returning(Notification.id))
    count = len(done.all())
    if count:
        await _tell_change(session, person_id)
    return count


async def set_bell_preferences(session: Session, *, actor: Actor, wanted: Mapping[NotificationKind, bool]) -> None:
    """Choose which kinds come into one's own bell. Essential kinds do, whatever is chosen."""
    person_id = _person(actor)
    chosen = {kind: in_bell or kind in ESSENTIAL for kind, in_bell in wanted.items()}
    if not chosen:
        return
    rows = [{"person_id": person_id, "kind": kind, "in_bell": in_bell} for kind, in_bell in chosen.items()]
    statement = insert(NotificationPreference).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "kind"], set_={"in_bell": statement.excluded.in_bell}
        )
    )
    record(
        session,
        actor=actor,
        action="notification_preference.changed",
        subject=Subject("person", person_id, None, person_id),
        summary="Preferences of notifications changed",
        changes={kind.value: in_bell for kind, in_bell in chosen.items()},
    )


async def _tell_change(session: Session, person_id: UUID) -> None:
    await session.execute(_CHANGED, {"ids": person_id.hex})


def _person(actor: Actor) -> UUID:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    return actor.person_id


def _as_row(number: int, notice: Notice) -> dict[str, Any]:
    return {
        "n": number,
        "kind": notice.kind.value,
        "title": notice.title,
        "body": notice.body,
        "link": notice.link,
        "dedup_key": notice.dedup_key,
        "essential": notice.kind in ESSENTIAL,
    }


def _leave_entry(session: Session, actor: Actor, about: Subject, kinds: set[NotificationKind], told: int) -> None:
    named = sorted(kind.value for kind in kinds)
    record(
        session,
        actor=actor,
        action="notification.sent",
        subject=about,
        summary=f"Notified {told:,} of {', '.join(named)}",
        changes={"kinds": named, "notified": told},
    )
