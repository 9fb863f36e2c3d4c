"""Verbs of the roster. Each keeps the enrolment and its history in step, leaves an audit entry and announces a fact."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from academe.academics.access import AnySession, enrollment_in, offering_to_enrol
from academe.academics.errors import (
    AlreadyEnrolledError,
    EnrollmentNotFoundError,
    EnrollmentStateError,
    OfferingFullError,
)
from academe.academics.facts import EnrollmentCreated, EnrollmentWithdrawn
from academe.academics.models import Enrollment, EnrollmentStatusChange, Offering, StudentRecord
from academe.academics.types import EnrollmentStatus, OfferingStatus
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce

LONGEST_REASON: Final = 500
"""Characters of a reason; the history is read by people."""

WAITING: Final = (EnrollmentStatus.REQUESTED, EnrollmentStatus.WAITLISTED)
"""Statuses in which somebody still has to decide."""

_CAN_LEAVE: Final = (*WAITING, EnrollmentStatus.ENROLLED)


async def enrol_student(
    session: Session,
    *,
    actor: Actor,
    offering_id: UUID,
    student_number: str,
    effective_on: date | None = None,
    reason: str = "",
) -> Enrollment:
    """Give a student a place in an offering from `effective_on` (today), or give back one that was left or asked for.

    Raises OfferingNotFoundError, PermissionDeniedError, InvalidInputError (no such student, a day after the end),
    AlreadyEnrolledError, OfferingFullError and EnrollmentStateError for an offering that was cancelled.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    if offering.status is OfferingStatus.CANCELLED:
        raise EnrollmentStateError("The offering was cancelled; nobody can be enrolled.")
    day = checked_day(offering, effective_on)
    student = await _student_by_number(session, offering, student_number)
    known = select(Enrollment).where(Enrollment.offering_id == offering.id, Enrollment.student_id == student.id)
    enrollment = (await session.execute(known)).scalar_one_or_none()
    if enrollment is not None and enrollment.status in (EnrollmentStatus.ENROLLED, EnrollmentStatus.COMPLETED):
        raise AlreadyEnrolledError
    await require_places(session, offering, 1)
    if enrollment is None:
        enrollment = Enrollment(offering_id=offering.id, student_id=student.id, status=EnrollmentStatus.ENROLLED)
        enrollment.enrolled_on = day
        session.add(enrollment)
        await session.flush()
        before = None
    else:
        before = enrollment.status
    enrollment.student = student
    await move(session, actor, offering, enrollment, EnrollmentStatus.ENROLLED, day=day, reason=reason, before=before)
    return enrollment


async def withdraw_student(
    session: Session,
    *,
    actor: Actor,
    offering_id: UUID,
    enrollment_id: UUID,
    reason: str,
    effective_on: date | None = None,
) -> Enrollment:
    """Let a student leave an offering on `effective_on` (today); the reason is kept in the history.

    Raises OfferingNotFoundError, EnrollmentNotFoundError, PermissionDeniedError, InvalidInputError (no reason, a day
    after the end or before the student came) and EnrollmentStateError for a student who has left or finished.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    enrollment = await enrollment_in(session, offering=offering, enrollment_id=enrollment_id)
    day = checked_day(offering, effective_on)
    await _withdraw(session, actor, offering, enrollment, day=day, reason=_required(reason))
    return enrollment


async def withdraw_students(
    session: Session, *, actor: Actor, offering_id: UUID, enrollment_ids: Collection[UUID], reason: str
) -> int:
    """Let several students leave an offering today, all or none; returns how many.

    Raises what `withdraw_student` raises, for the first student it cannot be done for.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    reason = _required(reason)
    wanted = (
        select(Enrollment)
        .where(Enrollment.id.in_(enrollment_ids), Enrollment.offering_id == offering.id)
        .options(joinedload(Enrollment.student))
    )
    found = (await session.execute(wanted)).scalars().all()
    if len(found) < len(set(enrollment_ids)):
        raise EnrollmentNotFoundError
    day = checked_day(offering, None)
    for enrollment in found:
        await _withdraw(session, actor, offering, enrollment, day=day, reason=reason)
    return len(found)


async def decide_request(
    session: Session, *, actor: Actor, offering_id: UUID, enrollment_id: UUID, approved: bool, reason: str = ""
) -> Enrollment:
    """Grant or refuse a place that a student has asked for or waits for; a refusal needs its reason.

    Raises OfferingNotFoundError, EnrollmentNotFoundError, PermissionDeniedError, OfferingFullError, InvalidInputError
    and EnrollmentStateError when there is nothing to decide.
    """
    offering = await offering_to_enrol(session, actor=actor, offering_id=offering_id)
    enrollment = await enrollment_in(session, offering=offering, enrollment_id=enrollment_id)
    if enrollment.status not in WAITING:
        raise EnrollmentStateError(f"There is nothing to decide: the student is {enrollment.status.value}.")
    if approved:
        await require_places(session, offering, 1)
    status = EnrollmentStatus.ENROLLED if approved else EnrollmentStatus.REJECTED
    reason = reason if approved else _required(reason)
    day = checked_day(offering, None)
    await move(session, actor, offering, enrollment, status, day=day, reason=reason, before=enrollment.status)
    return enrollment


async def move(
    session: Session,
    actor: Actor,
    offering: Offering,
    enrollment: Enrollment,
    status: EnrollmentStatus,
    *,
    day: date,
    reason: str,
    before: EnrollmentStatus | None,
) -> None:
    """Take one step of an enrolment whose caller has checked that it is allowed; its student must be loaded."""
    enrollment.status = status
    enrollment.withdrawn_on = day if status is EnrollmentStatus.WITHDRAWN else None
    if status is EnrollmentStatus.ENROLLED:
        enrollment.enrolled_on = day
    session.add(
        EnrollmentStatusChange(
            enrollment_id=enrollment.id,
            offering_id=offering.id,
            status=status,
            effective_on=day,
            reason=_bounded(reason),
            recorded_by=actor.person_id,
        )
    )
    await session.flush()
    changes: Mapping[str, object] = {"status": [before, status], "effective_on": day}
    record(
        session,
        actor=actor,
        action="enrollment.created" if before is None else f"enrollment.{status.value}",
        subject=Subject("enrollment", enrollment.id, offering.institution_id, enrollment.student.person_id),
        summary=f"Student {status.value} in {offering.unit.code} {offering.term.code}",
        changes=changes,
    )
    if status is EnrollmentStatus.ENROLLED:
        await announce(session, EnrollmentCreated(enrollment.id, offering.id, enrollment.student_id, day))
    elif status is EnrollmentStatus.WITHDRAWN:
        await announce(session, EnrollmentWithdrawn(enrollment.id, offering.id, enrollment.student_id, day))


async def require_places(session: AnySession, offering: Offering, wanted: int) -> None:
    """Raise OfferingFullError unless that many places are free; the offering is locked by its caller."""
    if offering.capacity is None or wanted <= 0:
        return
    taken = select(func.count()).where(
        Enrollment.offering_id == offering.id, Enrollment.status == EnrollmentStatus.ENROLLED
    )
    free = offering.capacity - (await session.execute(taken)).scalar_one()
    if free < wanted:
        raise OfferingFullError(f"The offering has {max(free, 0)} of {offering.capacity} places left.")


def checked_day(offering: Offering, effective_on: date | None, *, line: int | None = None) -> date:
    """The day a step holds from, today if none is given; raises InvalidInputError when the offering was over by then.

    Without a day, a step in an offering that is over holds from its last day.
    """
    if effective_on is None:
        return min(clock.now().date(), offering.ends_on)
    if effective_on > offering.ends_on:
        message = f"The offering ends on {offering.ends_on.isoformat()}."
        raise InvalidInputError(errors=[FieldError("effective_on", message, line)])
    return effective_on


async def _withdraw(
    session: Session, actor: Actor, offering: Offering, enrollment: Enrollment, *, day: date, reason: str
) -> None:
    if enrollment.status not in _CAN_LEAVE:
        raise EnrollmentStateError(f"A student who is {enrollment.status.value} cannot be withdrawn.")
    if enrollment.enrolled_on is not None and day < enrollment.enrolled_on and enrollment.enrolled_on <= _today():
        message = f"The student was enrolled on {enrollment.enrolled_on.isoformat()}."
        raise InvalidInputError(errors=[FieldError("effective_on", message)])
    before = enrollment.status
    withdrawn = EnrollmentStatus.WITHDRAWN
    await move(session, actor, offering, enrollment, withdrawn, day=day, reason=reason, before=before)


async def _student_by_number(session: Session, offering: Offering, number: str) -> StudentRecord:
    found = await session.execute(
        select(StudentRecord).where(
            StudentRecord.institution_id == offering.institution_id, StudentRecord.number == number.strip()
        )
    )
    student = found.scalar_one_or_none()
    if student is None:
        raise InvalidInputError(errors=[FieldError("student_number", "There is no student with this number.")])
    return student


def _required(reason: str) -> str:
    if not reason.strip():
        raise InvalidInputError(errors=[FieldError("reason", "Please say why; it is kept in the history.")])
    return _bounded(reason)


def _bounded(reason: str) -> str:
    text = reason.strip()
    if len(text) > LONGEST_REASON:
        message = f"Please write at most {LONGEST_REASON} characters."
        raise InvalidInputError(errors=[FieldError("reason", message)])
    return text


def _today() -> date:
    return clock.now().date()
