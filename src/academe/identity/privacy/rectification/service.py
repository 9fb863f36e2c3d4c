"""Verbs of rectification: ask, withdraw, decide. They flush, record, and never commit."""

from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.identity import policy
from academe.identity.addresses import checked_address, checked_phone
from academe.identity.facts import RectificationAsked, RectificationDecided
from academe.identity.models import Person, PersonParticulars
from academe.identity.people.service import LONGEST_NAME, LONGEST_PART, Names, change_names
from academe.identity.privacy.rectification.errors import (
    RectificationDecidedError,
    RectificationNotFoundError,
    TooManyRectificationsError,
)
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.types import (
    NAMES,
    PARTICULARS,
    RectificationStatus,
    RectifiedField,
)
from academe.identity.service import set_particulars
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce

LONGEST: Final = 1_000
MOST_OPEN: Final = 20
KEEPERS_ONLY: Final = "Corrections are decided by the registrars and administrators of the institution."


async def ask_rectification(
    session: Session, *, actor: Actor, field: RectifiedField, wanted: str, reason: str
) -> RectificationRequest:
    """Ask that a field of one's own record be corrected to `wanted`; registrars are told.

    Raises InvalidInputError for an empty or too long text and for a value that the field cannot hold, and
    TooManyRectificationsError with 20 open requests.
    """
    policy.require(actor.person_id is not None, actor, "Only people have a record.")
    person = await session.get_one(Person, actor.person_id)
    wanted, reason = _text("wanted", wanted), _text("reason", reason)
    _check(field, wanted)
    mine = (RectificationRequest.person_id == person.id, RectificationRequest.status == RectificationStatus.ASKED)
    if (await session.scalar(select(func.count()).select_from(RectificationRequest).where(*mine)) or 0) >= MOST_OPEN:
        raise TooManyRectificationsError(f"You have {MOST_OPEN} open requests; please wait, or withdraw one.")
    asked = RectificationRequest(
        institution_id=person.institution_id, person_id=person.id, field=field, wanted=wanted, reason=reason
    )
    session.add(asked)
    await session.flush()
    await session.refresh(asked)
    _record(session, actor, asked, "asked", "Correction asked for")
    await announce(session, RectificationAsked(asked.id, asked.institution_id))
    return asked


async def withdraw_rectification(session: Session, *, actor: Actor, request_id: UUID) -> RectificationRequest:
    """Take one's own request back. Raises RectificationNotFoundError and RectificationDecidedError."""
    asked = await _open_request(session, actor, request_id)
    if asked.person_id != actor.person_id:
        raise RectificationNotFoundError
    asked.status, asked.decided_at = RectificationStatus.WITHDRAWN, clock.now()
    await session.flush()
    _record(session, actor, asked, "withdrawn", "Request for a correction withdrawn")
    return asked


async def decide_rectification(
    session: Session, *, actor: Actor, request_id: UUID, accept: bool, answer: str = ""
) -> RectificationRequest:
    """Accept a request, which writes the value where identity keeps the field, or decline it with a reason.

    The person is told. Raises RectificationNotFoundError, PermissionDeniedError (for one's own request too),
    RectificationDecidedError, and InvalidInputError for a decline without a reason or a value that cannot be written.
    """
    asked = await _open_request(session, actor, request_id)
    may = policy.can_register_people(actor, asked.institution_id) and asked.person_id != actor.person_id
    policy.require(may, actor, KEEPERS_ONLY)
    if answer.strip() or not accept:
        asked.answer = _text("answer", answer)
    if accept:
        await _write(session, actor, asked)
    asked.status = RectificationStatus.ACCEPTED if accept else RectificationStatus.DECLINED
    asked.decided_at, asked.decided_by = clock.now(), actor.person_id
    await session.flush()
    _record(session, actor, asked, asked.status.value, f"Correction {asked.status.value}")
    await announce(session, RectificationDecided(asked.id, asked.person_id, accept))
    return asked


async def _open_request(session: Session, actor: Actor, request_id: UUID) -> RectificationRequest:
    policy.require(not actor.is_anonymous, actor, "")
    wanted = select(RectificationRequest).where(RectificationRequest.id == request_id).with_for_update()
    asked = (await session.scalars(wanted)).one_or_none()
    known = asked is not None and (
        asked.person_id == actor.person_id or policy.can_register_people(actor, asked.institution_id)
    )
    if asked is None or not known:
        raise RectificationNotFoundError
    if asked.status is not RectificationStatus.ASKED:
        raise RectificationDecidedError(f"This request was {asked.status.value} already.")
    return asked


async def _write(session: Session, actor: Actor, asked: RectificationRequest) -> None:
    if asked.wanted is None:
        return
    person = await session.get_one(Person, asked.person_id)
    if asked.field in NAMES:
        names = {field: getattr(person, field) for field in Names.__dataclass_fields__}
        names[asked.field.value] = asked.wanted
        await change_names(session, actor=actor, person_id=person.id, names=Names(**names))
    elif asked.field in PARTICULARS:
        known = await session.get(PersonParticulars, person.id) or PersonParticulars(person_id=person.id)
        day = asked.wanted if asked.field is RectifiedField.DATE_OF_BIRTH else known.date_of_birth
        address = asked.wanted if asked.field is RectifiedField.CONTACT_EMAIL else known.contact_email
        phone = asked.wanted if asked.field is RectifiedField.PHONE else known.phone
        await set_particulars(
            session,
            actor=actor,
            person_id=person.id,
            contact_email=address,
            phone=phone,
            date_of_birth=date.fromisoformat(day) if day else None,
        )


def _check(field: RectifiedField, wanted: str) -> None:
    """Refuse at once what could not be written later; raises InvalidInputError."""
    message = ""
    if field in NAMES:
        longest = LONGEST_NAME if field is RectifiedField.DISPLAY_NAME else LONGEST_PART
        message = f"Please write at most {longest} characters." if len(wanted) > longest else ""
    elif field is RectifiedField.DATE_OF_BIRTH:
        try:
            born = date.fromisoformat(wanted)
        except ValueError:
            message = "Please give a date, such as 2004-11-21."
        else:
            in_range = date(1900, 1, 1) <= born <= clock.now().date()
            message = "" if in_range else "Please give a day from 1900 until today."
    elif field is RectifiedField.CONTACT_EMAIL:
        checked_address(wanted, field="wanted")
    elif field is RectifiedField.PHONE:
        try:
            checked_phone(wanted)
        except InvalidInputError as error:
            message = error.errors[0].message
    if message:
        raise InvalidInputError(errors=[FieldError("wanted", message)])


def _text(field: str, text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise InvalidInputError(errors=[FieldError(field, f"Please write 1 to {LONGEST:,} characters.")])
    return text


def _record(session: Session, actor: Actor, asked: RectificationRequest, what: str, summary: str) -> None:
    subject = Subject("rectification_request", asked.id, asked.institution_id, asked.person_id)
    action = f"rectification.{what}"
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes={"field": asked.field})
