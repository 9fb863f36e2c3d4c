"""The steps of a letter, each one statement in a transaction of its caller; every one says from which state it comes.

A step whose letter is in another state by now changes nothing and returns false: somebody else has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from academe.messaging.mail.conversation import Reply
from academe.messaging.types import MailTemplate
from academe.platform.database.session import Session

GIVE_UP: Final = "5 days"
"""RFC 5321, 4.5.4.1: four to five days at least."""

# One worker at a time counts and claims, so that the rate holds for all of them together.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(x'6D61696C'::bigint)")
_CLAIM: Final = text(
    """
    WITH budget AS (
        SELECT greatest(0, :per_minute
            - (SELECT count(*) FROM mail_message WHERE handed_over_at > now() - interval '1 minute')
            - (SELECT count(*) FROM mail_message WHERE status = 'claimed' AND lease_until > now())) AS left
    ), next AS (
        SELECT id FROM mail_message WHERE status = 'waiting' AND not_before <= now()
        ORDER BY not_before, id LIMIT least(:most, (SELECT budget.left FROM budget))
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE mail_message m
        SET status = 'claimed', lease_until = now() + make_interval(secs => :lease), attempts = attempts + 1
        FROM next WHERE m.id = next.id
        RETURNING m.*
    )
    SELECT claimed.id, claimed.person_id, claimed.institution_id, claimed.template, claimed.kind, claimed.token,
           claimed.content, claimed.attempts, reached.address, bad.reply
    FROM claimed
    CROSS JOIN LATERAL (
        SELECT coalesce(
            (SELECT email FROM account WHERE account.person_id = claimed.person_id AND account.is_active),
            (SELECT contact_email FROM person_particulars p WHERE p.person_id = claimed.person_id)) AS address
    ) reached
    LEFT JOIN undeliverable_address bad
        ON bad.institution_id = claimed.institution_id AND bad.address = lower(reached.address)
    ORDER BY claimed.not_before, claimed.id
    """
)
_HAND_OVER: Final = text(
    """
    UPDATE mail_message SET status = 'handing_over', handed_over_at = now(), address = :address, has_copy = :has_copy,
        lease_until = now() + make_interval(secs => :lease)
    WHERE id = :id AND status = 'claimed' AND lease_until > now() RETURNING id
    """
)
_SENT: Final = text(
    """
    UPDATE mail_message SET status = 'sent', sent_at = now(), lease_until = NULL, settle_at = NULL,
        reply_code = :code, reply = :reply, address = coalesce(:address, address)
    WHERE id = :id AND status IN ('claimed', 'handing_over', 'unknown') RETURNING id
    """
)
_DOUBT: Final = text(
    """
    UPDATE mail_message SET status = 'unknown', lease_until = NULL, reply = :reply, reply_code = NULL,
        settle_at = now() + make_interval(secs => :settle)
    WHERE id = :id AND status = 'handing_over' RETURNING id
    """
)
# A letter that was refused for the moment waits twice as long each time, an hour at most, and is given up in the end.
_AGAIN: Final = text(
    f"""
    UPDATE mail_message SET lease_until = NULL, handed_over_at = NULL, reply_code = :code, reply = :reply,
        status = CASE WHEN created_at < now() - interval '{GIVE_UP}' THEN 'failed' ELSE 'waiting' END,
        not_before = now() + make_interval(secs => least(3600, :first * power(2, least(attempts, 12) - 1)))
    WHERE id = :id AND status IN ('claimed', 'handing_over') RETURNING id
    """  # noqa: S608 - a constant
)
_ENDED: Final = text(
    """
    UPDATE mail_message SET status = :status, lease_until = NULL, reply_code = :code, reply = :reply,
        address = coalesce(:address, address)
    WHERE id = :id AND status IN ('claimed', 'handing_over') RETURNING id
    """
)
_RELEASE: Final = text(
    """
    UPDATE mail_message SET status = 'waiting', lease_until = NULL, attempts = attempts - 1
    WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'claimed'
    """
)
_MARK: Final = text(
    """
    INSERT INTO undeliverable_address (institution_id, address, reply) VALUES (:institution, lower(:address), :reply)
    ON CONFLICT (institution_id, address) DO UPDATE SET reply = excluded.reply, since = now()
    """
)
_CATCH: Final = text(
    """
    INSERT INTO caught_mail (id, mail_id, institution_id, receiver, subject, source)
    VALUES (:id, :mail, :institution, :receiver, :subject, :source)
    """
)
# What a dead worker left: claimed letters were never handed over; of the others nobody knows.
_LEFT: Final = text(
    """
    WITH dropped AS (
        UPDATE mail_message SET status = 'waiting', lease_until = NULL
        WHERE status = 'claimed' AND lease_until <= now() RETURNING id
    ), doubted AS (
        UPDATE mail_message SET status = 'unknown', lease_until = NULL,
            reply = 'The worker ended while handing it over.',
            settle_at = now() + make_interval(secs => :settle)
        WHERE status = 'handing_over' AND lease_until <= now() RETURNING id
    )
    SELECT (SELECT count(*) FROM dropped), (SELECT count(*) FROM doubted)
    """
)
# The copy in our own mailbox was accepted together with the letter, or neither was.
_SETTLE: Final = text(
    """
    WITH arrived AS (
        UPDATE mail_message SET status = 'sent', sent_at = copy_seen_at, settle_at = NULL
        WHERE status = 'unknown' AND copy_seen_at IS NOT NULL RETURNING id
    ), absent AS (
        UPDATE mail_message SET status = 'waiting', settle_at = NULL, handed_over_at = NULL, not_before = now()
        WHERE status = 'unknown' AND copy_seen_at IS NULL AND has_copy
          AND settle_at <= CAST(:read_since AS timestamptz) RETURNING id
    )
    SELECT (SELECT count(*) FROM arrived), (SELECT count(*) FROM absent)
    """
)
_COPY_SEEN: Final = text(
    """
    UPDATE mail_message SET copy_seen_at = coalesce(copy_seen_at, now()) WHERE token = :token RETURNING id
    """
)
_BOUNCED: Final = text(
    """
    UPDATE mail_message SET bounced_at = now(), reply = :reply WHERE token = :token
    RETURNING institution_id, address
    """
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter in the hands of a worker; `undeliverable` is why its address is not written to any more."""

    id: UUID
    person_id: UUID
    institution_id: UUID
    template: MailTemplate
    kind: str | None
    token: str
    content: dict[str, Any]
    attempts: int
    address: str | None
    undeliverable: str | None


async def claim(session: Session, *, most: int, per_minute: int, lease_seconds: float) -> Sequence[Claimed]:
    """Take up to `most` letters that may leave now, as far as the rate allows, until the lease ends."""
    await session.execute(_LOCK)
    rows = await session.execute(_CLAIM, {"most": most, "per_minute": per_minute, "lease": lease_seconds})
    return [Claimed(row[0], row[1], row[2], MailTemplate(row[3]), *row[4:]) for row in rows]


async def begin_handing_over(
    session: Session, mail_id: UUID, *, address: str, has_copy: bool, lease_seconds: float
) -> bool:
    """Record that the final dot is about to be said; false when the lease has ended, and then it must not be."""
    values = {"id": mail_id, "address": address, "has_copy": has_copy, "lease": lease_seconds}
    return (await session.execute(_HAND_OVER, values)).first() is not None


async def note_sent(session: Session, mail_id: UUID, reply: Reply, *, address: str | None = None) -> bool:
    """The server has it."""
    values = {"id": mail_id, "code": reply.code, "reply": reply.text, "address": address}
    return (await session.execute(_SENT, values)).first() is not None


async def note_doubt(session: Session, mail_id: UUID, *, why: str, settle_seconds: float) -> bool:
    """The connection broke after the dot: whether the server has it will be settled, not guessed."""
    values = {"id": mail_id, "reply": why, "settle": settle_seconds}
    return (await session.execute(_DOUBT, values)).first() is not None


async def try_again(
    session: Session, mail_id: UUID, *, code: int | None, reply: str, first_seconds: float = 60
) -> bool:
    """The server does not have it and may take it later."""
    values = {"id": mail_id, "code": code, "reply": reply, "first": first_seconds}
    return (await session.execute(_AGAIN, values)).first() is not None


async def end(
    session: Session, mail_id: UUID, status: str, *, code: int | None, reply: str, address: str | None
) -> bool:
    """It will not be sent: `failed` when the server refused for good, `suppressed` when there is nowhere to send it."""
    values = {"id": mail_id, "status": status, "code": code, "reply": reply, "address": address}
    return (await session.execute(_ENDED, values)).first() is not None


async def release(session: Session, mail_ids: Sequence[UUID]) -> None:
    """Put back what was claimed and not tried."""
    await session.execute(_RELEASE, {"ids": [str(each) for each in mail_ids]})


async def mark_undeliverable(session: Session, institution_id: UUID, address: str, reply: str) -> None:
    """Remember that an address cannot be reached."""
    await session.execute(_MARK, {"institution": institution_id, "address": address, "reply": reply})


async def catch(session: Session, mail: Claimed, *, caught_id: UUID, subject: str, source: bytes) -> None:
    """Keep a letter in place of a server."""
    values = {
        "id": caught_id, "mail": mail.id, "institution": mail.institution_id, "receiver": mail.address,
        "subject": subject, "source": source,
    }  # fmt: skip
    await session.execute(_CATCH, values)


async def moment(session: Session) -> datetime:
    """The database's time, by which leases and doubts are measured."""
    return (await session.execute(text("SELECT clock_timestamp()"))).scalar_one()  # type: ignore[no-any-return]  # of plain SQL, nothing is known


async def settle(session: Session, *, settle_seconds: float, read_since: datetime | None) -> tuple[int, int, int, int]:
    """Look after what dead workers left and what is in doubt; returns dropped, doubted, arrived and absent letters.

    `read_since` is when the reading of our mailbox began that has ended since: only a copy that should have come before
    can be missed. None: there is no mailbox, and people settle doubts.
    """
    dropped, doubted = (await session.execute(_LEFT, {"settle": settle_seconds})).one()
    arrived, absent = (await session.execute(_SETTLE, {"read_since": read_since})).one()
    return dropped, doubted, arrived, absent


async def note_copy(session: Session, token: str) -> bool:
    """The copy of a letter is in our mailbox; false when there is no such letter."""
    return (await session.execute(_COPY_SEEN, {"token": token})).first() is not None


async def note_bounce(session: Session, token: str, *, address: str | None, reply: str) -> bool:
    """A letter came back for good; its address is not written to any more. False when there is no such letter."""
    row = (await session.execute(_BOUNCED, {"token": token, "reply": reply})).first()
    if row is None:
        return False
    institution_id, sent_to = row
    known: str | None = sent_to or address
    if known:
        await mark_undeliverable(session, institution_id, known, reply)
    return True
