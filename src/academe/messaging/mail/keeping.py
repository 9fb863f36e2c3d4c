"""What people decide about mail: to try again, that a doubtful letter arrived, that an address is good again."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update

from academe.messaging.errors import AddressNotFoundError, LetterNotFoundError, LetterStateError
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.messaging.mail.policy import kept_by, require_keeping
from academe.messaging.mail.queries import IN_TROUBLE
from academe.messaging.types import MailStatus
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.database.session import Session

_NOTHING: Final = {"lease_until": None, "settle_at": None, "handed_over_at": None}


async def open_caught_letter(session: Session, *, actor: Actor, caught_id: UUID) -> CaughtMail:
    """A caught letter, for its receiver's keeper, who leaves an entry of having read it.

    Raises LetterNotFoundError and PermissionDeniedError.
    """
    require_keeping(actor)
    wanted = (
        select(CaughtMail, MailMessage.person_id)
        .outerjoin(MailMessage, MailMessage.id == CaughtMail.mail_id)
        .where(CaughtMail.id == caught_id, kept_by(actor, CaughtMail))
    )
    found = (await session.execute(wanted)).one_or_none()
    if found is None:
        raise LetterNotFoundError
    letter, person_id = found
    subject = Subject("caught_mail", letter.id, letter.institution_id, person_id)
    record_access(session, actor=actor, subject=subject, purpose="keeping the mail running")
    return letter


async def send_again(session: Session, *, actor: Actor, mail_id: UUID) -> MailMessage:
    """Send a letter that failed, had no address or is in doubt; one in doubt may then arrive twice.

    Raises LetterNotFoundError, PermissionDeniedError and LetterStateError.
    """
    mail = await _in_trouble(session, actor, mail_id)
    before = mail.status
    values = {"status": MailStatus.WAITING, "not_before": clock.now(), "attempts": 0, **_NOTHING}
    await session.execute(update(MailMessage).where(MailMessage.id == mail_id).values(values))
    _record(session, actor, mail, "mail.sent_again", f"Letter that was {before.value} sent again")
    return mail


async def say_arrived(session: Session, *, actor: Actor, mail_id: UUID) -> MailMessage:
    """Settle a doubt: the letter arrived, somebody has seen so. Raises what `send_again` raises."""
    mail = await _in_trouble(session, actor, mail_id)
    if mail.status is not MailStatus.UNKNOWN:
        raise LetterStateError
    values = {"status": MailStatus.SENT, "sent_at": clock.now(), "lease_until": None, "settle_at": None}
    await session.execute(update(MailMessage).where(MailMessage.id == mail_id).values(values))
    _record(session, actor, mail, "mail.said_arrived", "Letter in doubt said to have arrived")
    return mail


async def forgive_address(session: Session, *, actor: Actor, institution_id: UUID, address: str) -> None:
    """Write to an address again. Raises AddressNotFoundError and PermissionDeniedError."""
    require_keeping(actor)
    gone = delete(UndeliverableAddress).where(
        UndeliverableAddress.institution_id == institution_id,
        UndeliverableAddress.address == address.lower(),
        kept_by(actor, UndeliverableAddress),
    )
    if (await session.execute(gone.returning(UndeliverableAddress.address))).first() is None:
        raise AddressNotFoundError
    subject = Subject("org_unit", institution_id, institution_id)
    record(session, actor=actor, action="mail.address_forgiven", subject=subject, summary="Address is written to again")


async def _in_trouble(session: Session, actor: Actor, mail_id: UUID) -> MailMessage:
    require_keeping(actor)
    wanted = select(MailMessage).where(MailMessage.id == mail_id, kept_by(actor, MailMessage)).with_for_update()
    mail = (await session.execute(wanted)).scalar_one_or_none()
    if mail is None:
        raise LetterNotFoundError
    if mail.status not in IN_TROUBLE:
        raise LetterStateError
    return mail


def _record(session: Session, actor: Actor, mail: MailMessage, action: str, summary: str) -> None:
    subject = Subject("mail_message", mail.id, mail.institution_id, mail.person_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary)
