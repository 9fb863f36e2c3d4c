"""The daily letter: what a person wants to be told once a day, gathered with one statement for everybody."""

from typing import Final

from sqlalchemy import text

from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database
from academe.platform.ids import new_id

ACTOR: Final = system_actor("write daily letters")
MOST_ITEMS: Final = 50
"""Notifications told in one letter; of those beyond, their number."""

# The key holds the person's own day: however often this runs, one letter a day. What comes after it waits for the next.
_WRITE: Final = text(
    f"""
    WITH due AS (
        SELECT person.id AS person_id, person.institution_id,
               'digest:' || (now() AT TIME ZONE coalesce(schedule.time_zone, 'UTC'))::date AS key,
               coalesce(schedule.time_zone, 'UTC') AS zone, schedule.quiet_from, schedule.quiet_until
        FROM person LEFT JOIN notification_schedule schedule ON schedule.person_id = person.id
        WHERE person.status = 'active'
          AND EXISTS (SELECT FROM notification n WHERE n.person_id = person.id AND n.digest_due)
          AND (now() AT TIME ZONE coalesce(schedule.time_zone, 'UTC'))::time >= coalesce(schedule.digest_at, '07:00')
    ), open AS (
        SELECT due.* FROM due
        WHERE NOT EXISTS (
            SELECT FROM mail_message m WHERE m.person_id = due.person_id AND m.idempotency_key = due.key)
    ), told AS (
        UPDATE notification SET digest_due = false
        FROM open WHERE notification.person_id = open.person_id AND notification.digest_due
        RETURNING notification.person_id, notification.id, notification.kind, notification.title, notification.link
    ), numbered AS (
        SELECT told.*, row_number() OVER (PARTITION BY person_id ORDER BY id DESC) AS place,
               count(*) OVER (PARTITION BY person_id) AS total
        FROM told
    ), written AS (
        INSERT INTO mail_message
            (id, person_id, institution_id, template, idempotency_key, token, content, not_before)
        SELECT gen_random_uuid(), open.person_id, open.institution_id, 'digest', open.key,
               left(encode(sha256(convert_to(open.person_id || ':' || open.key, 'UTF8')), 'hex'), 40),
               jsonb_build_object('items', items.listed, 'total', items.total),
               end_of_quiet(now(), open.zone, open.quiet_from, open.quiet_until)
        FROM open JOIN (
            SELECT person_id, min(total) AS total, jsonb_agg(
                jsonb_build_object('kind', kind, 'title', title, 'link', link) ORDER BY id) AS listed
            FROM numbered WHERE place <= {MOST_ITEMS} GROUP BY person_id
        ) items USING (person_id)
        ON CONFLICT (person_id, idempotency_key) DO NOTHING
        RETURNING id
    )
    SELECT count(*) FROM written
    """  # noqa: S608 - a constant
)


async def write_digests(database: Database) -> None:
    """Write the letter of everybody whose hour has come and who has not had one today."""
    async with database.transaction(ACTOR, timeout_seconds=300) as session:
        written: int = (await session.execute(_WRITE)).scalar_one()
        if written:
            record(
                session,
                actor=ACTOR,
                action="mail.digests_written",
                subject=Subject("mail_message", new_id()),
                summary=f"Daily letters written: {written:,}",
                changes={"written": written},
            )
