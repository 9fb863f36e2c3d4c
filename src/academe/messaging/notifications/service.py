"""Verbs of notifications: tell many people with one statement, say that one has read, choose what one is told."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from academe.messaging.errors import NotificationNotFoundError, QuietHoursError, TimeZoneNotKnownError
from academe.messaging.notifications.models import Notification, NotificationPreference, NotificationSchedule
from academe.messaging.notifications.policy import readable_by, require_notifying
from academe.messaging.types import EMAIL_USUALLY, ESSENTIAL, EmailMode, NotificationKind
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
# Both inserts read `wanted` and not each other: the planner expects few rows of a function, and a join of two such
# results would compare everybody with everybody. Of two that tell the same at once, the keys let one through in each.
_NOTIFY: Final = text(
    f"""
    WITH notice AS (
        SELECT * FROM jsonb_to_recordset(CAST(:notices AS jsonb))
            AS (n integer, kind text, title text, body text, link text, html text, dedup_key text, essential boolean,
                email text)
    ), receiver AS (
        SELECT * FROM jsonb_to_recordset(CAST(:receivers AS jsonb))
            AS (n integer, id uuid, person_id uuid)
    ), wanted AS (
        SELECT receiver.id, person.id AS person_id, person.institution_id,
               notice.kind, notice.title, notice.body, notice.link, notice.html, notice.dedup_key,
               notice.essential OR coalesce(preference.in_bell, true) AS in_bell,
               CASE WHEN notice.essential AND coalesce(preference.email, notice.email) = 'off' THEN 'at_once'
                    ELSE coalesce(preference.email, notice.email) END AS email
        FROM receiver JOIN notice USING (n)
        JOIN person ON person.id = receiver.person_id AND person.status = 'active'
        LEFT JOIN notification_preference preference
            ON preference.person_id = person.id AND preference.kind = notice.kind
        WHERE NOT EXISTS (
            SELECT FROM notification told
            WHERE told.person_id = person.id AND told.dedup_key = notice.dedup_key AND told.dedup_key IS NOT NULL)
    ), written AS (
        INSERT INTO notification (id, person_id, kind, title, body, link, dedup_key, in_bell, digest_due)
        SELECT id, person_id, kind, title, body, link, dedup_key, in_bell, email = 'daily'
        FROM wanted WHERE in_bell OR email <> 'off' ORDER BY person_id, id
        ON CONFLICT (person_id, dedup_key) WHERE dedup_key IS NOT NULL DO NOTHING
        RETURNING person_id, in_bell
    ), mailed AS (
        INSERT INTO mail_message
            (id, person_id, institution_id, template, kind, idempotency_key, token, content, not_before)
        SELECT wanted.id, wanted.person_id, wanted.institution_id, 'notification', wanted.kind, keyed.key,
               left(encode(sha256(convert_to(wanted.person_id || ':' || keyed.key, 'UTF8')), 'hex'), 40),
               jsonb_build_object('title', wanted.title, 'body', wanted.body, 'link', wanted.link, 'html', wanted.html),
               end_of_quiet(now(), coalesce(schedule.time_zone, 'UTC'), schedule.quiet_from, schedule.quiet_until)
        FROM wanted
        CROSS JOIN LATERAL (SELECT coalesce(wanted.dedup_key, wanted.id::text) AS key) keyed
        LEFT JOIN notification_schedule schedule ON schedule.person_id = wanted.person_id
        WHERE wanted.email = 'at_once' AND (
            EXISTS (SELECT FROM account WHERE account.person_id = wanted.person_id AND account.is_active)
            OR EXISTS (SELECT FROM person_particulars reached
                       WHERE reached.person_id = wanted.person_id AND reached.contact_email IS NOT NULL))
        ON CONFLICT (person_id, idempotency_key) DO NOTHING
    ), numbered AS (
        SELECT person_id, (row_number() OVER () - 1) / {_LISTED} AS part
        FROM (SELECT DISTINCT person_id FROM written WHERE in_bell) told
    ), payload AS (
        SELECT string_agg(replace(person_id::text, '-', ''), '') AS ids FROM numbered GROUP BY part
    )
    SELECT (SELECT count(*) FROM written), (SELECT count(pg_notify('{CHANNEL}', ids)) FROM payload)
    """  # noqa: S608 - constants
)
_ZONE_KNOWN: Final = text("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :zone)")
_CHANGED: Final = text(f"SELECT pg_notify('{CHANNEL}', :ids)")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told: `title` up to 200 characters, `body` up to 4,000, `link` a path within Academe or empty.

    Under the same `dedup_key` a person is told once, for ever; without one, each time. What `is_essential` comes into
    the bell and by e-mail whatever its receivers have chosen for the kind; the kinds in ESSENTIAL are so always. `html`
    is what letters show in place of the body, where it is there: clean, as `message_templates` makes it.
    """

    kind: NotificationKind
    title: str
    body: str = ""
    link: str = ""
    dedup_key: str | None = None
    is_essential: bool = False
    html: str = ""


async def notify(session: Session, *, actor: Actor, notice: Notice, receivers: Collection[UUID]) -> int:
    """Tell the same to many people, in the caller's transaction; returns how many were told, by one statement.

    Letters for those who want this kind by e-mail are written with it, to leave when their quiet hours are over. Who is
    deactivated, was told before or does not want the kind is passed over. Only for the system (`can_notify`).
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


@dataclass(frozen=True, slots=True)
class Preference:
    """Where a kind is told."""

    in_bell: bool
    email: EmailMode


async def set_preferences(session: Session, *, actor: Actor, wanted: Mapping[NotificationKind, Preference]) -> None:
    """Choose where one is told what. Essential kinds come into the bell and by e-mail, whatever is chosen."""
    person_id = _person(actor)
    chosen = {kind: _allowed(kind, preference) for kind, preference in wanted.items()}
    if not chosen:
        return
    rows = [
        {"person_id": person_id, "kind": kind, "in_bell": each.in_bell, "email": each.email}
        for kind, each in chosen.items()
    ]
    statement = insert(NotificationPreference).values(rows)
    replaced = {"in_bell": statement.excluded.in_bell, "email": statement.excluded.email}
    await session.execute(statement.on_conflict_do_update(index_elements=["person_id", "kind"], set_=replaced))
    record(
        session,
        actor=actor,
        action="notification_preference.changed",
        subject=Subject("person", person_id, None, person_id),
        summary="Preferences of notifications changed",
        changes={kind.value: [each.in_bell, each.email] for kind, each in chosen.items()},
    )


async def stop_letters(session: Session, *, actor: Actor, person_id: UUID, kind: NotificationKind | None) -> None:
    """Let a person get no more letters of a kind, or no more daily ones, because a link of theirs said so.

    Only for the system: whoever follows the link need not be signed in. Essential kinds stay.
    """
    require_notifying(actor)
    if kind is None:
        usually = [kind for kind, usual in EMAIL_USUALLY.items() if usual is EmailMode.DAILY]
        wanted = update(NotificationPreference).where(
            NotificationPreference.person_id == person_id, NotificationPreference.email == EmailMode.DAILY
        )
        await session.execute(wanted.values(email=EmailMode.OFF))
    else:
        usually = [kind]
    rows = [{"person_id": person_id, "kind": each, "email": EmailMode.OFF} for each in usually if each not in ESSENTIAL]
    if not rows:
        return
    statement = insert(NotificationPreference).values(rows)
    changed: dict[str, Any] = {"index_elements": ["person_id", "kind"], "set_": {"email": EmailMode.OFF}}
    if kind is None:
        changed["where"] = NotificationPreference.email.is_(None)
    await session.execute(statement.on_conflict_do_update(**changed))
    record(
        session,
        actor=actor,
        action="notification_preference.unsubscribed",
        subject=Subject("person", person_id, None, person_id),
        summary="Letters stopped by a link",
        changes={"kind": kind.value if kind else "daily"},
    )


async def set_schedule(
    session: Session,
    *,
    actor: Actor,
    time_zone: str,
    quiet_from: time | None,
    quiet_until: time | None,
    digest_at: time,
) -> None:
    """Choose when letters may come, in one's own time zone. Raises TimeZoneNotKnownError and QuietHoursError."""
    person_id = _person(actor)
    if not (await session.execute(_ZONE_KNOWN, {"zone": time_zone})).scalar_one():
        raise TimeZoneNotKnownError
    if (quiet_from is None) != (quiet_until is None):
        raise QuietHoursError("Please give both ends of the quiet hours, or neither.")
    if quiet_from is not None and quiet_from == quiet_until:
        raise QuietHoursError("Please let the quiet hours end at another time than they begin.")
    values = {"time_zone": time_zone, "quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": digest_at}
    statement = insert(NotificationSchedule).values(person_id=person_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))
    record(
        session,
        actor=actor,
        action="notification_schedule.changed",
        subject=Subject("person", person_id, None, person_id),
        summary="Times of letters changed",
        changes=values,
    )


def _allowed(kind: NotificationKind, preference: Preference) -> Preference:
    if kind not in ESSENTIAL:
        return preference
    return Preference(True, EmailMode.AT_ONCE if preference.email is EmailMode.OFF else preference.email)


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
        "html": notice.html,
        "dedup_key": notice.dedup_key,
        "essential": notice.is_essential or notice.kind in ESSENTIAL,
        "email": EMAIL_USUALLY[notice.kind].value,
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
