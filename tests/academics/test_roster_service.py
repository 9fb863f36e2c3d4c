"""Verbs of the roster: who may, what each leaves behind, and what each refuses."""

from datetime import date

import pytest
from sqlalchemy import select

from academe.academics.errors import (
    AlreadyEnrolledError,
    EnrollmentNotFoundError,
    EnrollmentStateError,
    OfferingFullError,
    OfferingNotFoundError,
)
from academe.academics.models import Enrollment, EnrollmentStatusChange
from academe.academics.roster.service import decide_request, enrol_student, withdraw_student, withdraw_students
from academe.academics.types import EnrollmentStatus, OfferingStatus
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.outbox.models import OutboxMessage
from tests.schools import ENDS_ON, STARTS_ON, School, TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

MAY_NOT_ENROL = ("lecturer", "advisor", "auditor")
MAY_ENROL = ("convenor", "registrar", "administrator", "faculty_administrator")


async def enrol(session: Session, school: School, actor: Actor, number: str = "10004", **more: object) -> Enrollment:
    async with as_actor(session, actor):
        return await enrol_student(
            session,
            actor=actor,
            offering_id=school.offering.id,
            student_number=number,
            **more,  # type: ignore[arg-type]
        )


async def withdraw(session: Session, school: School, actor: Actor, student: int = 0, **more: object) -> Enrollment:
    async with as_actor(session, actor):
        return await withdraw_student(
            session,
            actor=actor,
            offering_id=school.offering.id,
            enrollment_id=school.enrollment_of(student).id,
            **{"reason": "illness"} | more,  # type: ignore[arg-type]
        )


async def history(session: Session, enrollment: Enrollment) -> list[tuple[EnrollmentStatus, date, str]]:
    steps = (
        select(EnrollmentStatusChange)
        .where(EnrollmentStatusChange.enrollment_id == enrollment.id)
        .order_by(EnrollmentStatusChange.id)
    )
    return [(step.status, step.effective_on, step.reason) for step in (await session.execute(steps)).scalars()]


class TestEnrol:
    async def test_nobody_is_asked_to_sign_in(self, session: Session, two_schools: TwoSchools) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await enrol(session, two_schools.home, ANONYMOUS)

    async def test_strangers_find_no_such_offering(self, session: Session, two_schools: TwoSchools) -> None:
        strangers = [two_schools.away.actor("registrar"), *map(two_schools.home.actor, ("colleague", "student0"))]
        for stranger in strangers:
            with pytest.raises(OfferingNotFoundError):
                await enrol(session, two_schools.home, stranger)

    @pytest.mark.parametrize("who", MAY_NOT_ENROL)
    async def test_readers_may_not(self, session: Session, two_schools: TwoSchools, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await enrol(session, two_schools.home, two_schools.home.actor(who))

    @pytest.mark.parametrize("who", MAY_ENROL)
    async def test_it_leaves_history_audit_and_a_fact(
        self, session: Session, two_schools: TwoSchools, who: str
    ) -> None:
        actor = two_schools.home.actor(who)
        enrollment = await enrol(
            session, two_schools.home, actor, effective_on=date(2026, 10, 5), reason="late arrival"
        )
        assert enrollment.status is EnrollmentStatus.ENROLLED
        assert enrollment.enrolled_on == date(2026, 10, 5)
        assert await history(session, enrollment) == [(EnrollmentStatus.ENROLLED, date(2026, 10, 5), "late arrival")]
        async with as_actor(session, actor):
            await session.finish()
        entry = (await session.execute(select(AuditEntry).where(AuditEntry.subject_id == enrollment.id))).scalar_one()
        assert (entry.action, entry.actor_person_id) == ("enrollment.created", actor.person_id)
        assert entry.person_id == two_schools.home.students[4].person_id
        fact = (await session.execute(select(OutboxMessage))).scalar_one()
        assert fact.kind == "academics.enrollment_created"
        assert fact.payload["student_id"] == str(two_schools.home.students[4].id)

    async def test_a_student_who_left_gets_the_place_back(self, session: Session, two_schools: TwoSchools) -> None:
        registrar = two_schools.home.actor("registrar")
        left = await withdraw(session, two_schools.home, registrar)
        back = await enrol(session, two_schools.home, registrar, number="10000")
        assert back.id == left.id
        assert back.withdrawn_on is None
        assert [status for status, _, _ in await history(session, back)] == ["enrolled", "withdrawn", "enrolled"]

    async def test_what_it_refuses(self, session: Session, two_schools: TwoSchools) -> None:
        registrar, home = two_schools.home.actor("registrar"), two_schools.home
        with pytest.raises(AlreadyEnrolledError):
            await enrol(session, home, registrar, number="10000")
        for number in ("99999", ""):
            with pytest.raises(InvalidInputError) as raised:
                await enrol(session, home, registrar, number=number)
            assert [error.field for error in raised.value.errors] == ["student_number"]
        with pytest.raises(InvalidInputError):
            await enrol(session, home, registrar, effective_on=date(2027, 2, 6))
        home.offering.capacity = 4
        with pytest.raises(OfferingFullError):
            await enrol(session, home, registrar)
        home.offering.capacity, home.offering.status = None, OfferingStatus.CANCELLED
        with pytest.raises(EnrollmentStateError):
            await enrol(session, home, registrar)

    async def test_the_last_day_is_a_day_of_the_offering(self, session: Session, two_schools: TwoSchools) -> None:
        registrar = two_schools.home.actor("registrar")
        enrollment = await enrol(session, two_schools.home, registrar, effective_on=ENDS_ON)
        assert enrollment.enrolled_on == ENDS_ON


class TestWithdraw:
    async def test_strangers_find_no_such_offering(self, session: Session, two_schools: TwoSchools) -> None:
        with pytest.raises(OfferingNotFoundError):
            await withdraw(session, two_schools.home, two_schools.away.actor("registrar"))

    @pytest.mark.parametrize("who", MAY_NOT_ENROL)
    async def test_readers_may_not(self, session: Session, two_schools: TwoSchools, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await withdraw(session, two_schools.home, two_schools.home.actor(who))

    async def test_the_enrolment_must_be_of_the_offering(self, session: Session, two_schools: TwoSchools) -> None:
        registrar, home = two_schools.home.actor("registrar"), two_schools.home
        async with as_actor(session, registrar):
            with pytest.raises(EnrollmentNotFoundError):
                await withdraw_student(
                    session,
                    actor=registrar,
                    offering_id=home.offering.id,
                    enrollment_id=home.enrollment_of(5, home.other_offering).id,
                    reason="illness",
                )

    async def test_it_keeps_day_and_reason(self, session: Session, two_schools: TwoSchools) -> None:
        convenor = two_schools.home.actor("convenor")
        day = date(2026, 10, 20)
        enrollment = await withdraw(session, two_schools.home, convenor, effective_on=day)
        assert (enrollment.status, enrollment.withdrawn_on) == (EnrollmentStatus.WITHDRAWN, day)
        assert (await history(session, enrollment))[-1] == (EnrollmentStatus.WITHDRAWN, day, "illness")
        fact = (await session.execute(select(OutboxMessage))).scalar_one()
        assert fact.kind == "academics.enrollment_withdrawn"

    async def test_what_it_refuses(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, home = two_schools.home.actor("convenor"), two_schools.home
        for more, field in (({"reason": " "}, "reason"), ({"effective_on": date(2026, 9, 1)}, "effective_on")):
            with pytest.raises(InvalidInputError) as raised:
                await withdraw(session, home, convenor, **more)
            assert [error.field for error in raised.value.errors] == [field]
        await withdraw(session, home, convenor)
        with pytest.raises(EnrollmentStateError):
            await withdraw(session, home, convenor)

    async def test_several_leave_together_or_none(self, session: Session, two_schools: TwoSchools) -> None:
        convenor, home = two_schools.home.actor("convenor"), two_schools.home
        wanted = [home.enrollment_of(number).id for number in (0, 1)]
        stranger = two_schools.away.enrollment_of(0).id
        async with as_actor(session, convenor):
            with pytest.raises(EnrollmentNotFoundError):
                await withdraw_students(
                    session,
                    actor=convenor,
                    offering_id=home.offering.id,
                    enrollment_ids=[*wanted, stranger],
                    reason="closed",
                )
            count = await withdraw_students(
                session, actor=convenor, offering_id=home.offering.id, enrollment_ids=wanted, reason="closed"
            )
        assert count == 2
        assert {home.enrollment_of(number).status for number in (0, 1)} == {EnrollmentStatus.WITHDRAWN}


class TestDecide:
    async def request(self, session: Session, school: School) -> Enrollment:
        enrollment = Enrollment(
            offering_id=school.offering.id, student_id=school.students[4].id, status=EnrollmentStatus.REQUESTED
        )
        session.add(enrollment)
        await session.flush()
        return enrollment

    async def decide(
        self, session: Session, school: School, actor: Actor, enrollment: Enrollment, *, approved: bool, reason: str
    ) -> Enrollment:
        async with as_actor(session, actor):
            return await decide_request(
                session,
                actor=actor,
                offering_id=school.offering.id,
                enrollment_id=enrollment.id,
                approved=approved,
                reason=reason,
            )

    async def test_lecturers_may_not(self, session: Session, two_schools: TwoSchools) -> None:
        asked = await self.request(session, two_schools.home)
        lecturer = two_schools.home.actor("lecturer")
        with pytest.raises(PermissionDeniedError):
            await self.decide(session, two_schools.home, lecturer, asked, approved=True, reason="")

    async def test_a_place_is_granted(self, session: Session, two_schools: TwoSchools) -> None:
        asked = await self.request(session, two_schools.home)
        convenor = two_schools.home.actor("convenor")
        decided = await self.decide(session, two_schools.home, convenor, asked, approved=True, reason="")
        assert decided.status is EnrollmentStatus.ENROLLED
        assert decided.enrolled_on is not None
        assert decided.enrolled_on >= STARTS_ON
        with pytest.raises(EnrollmentStateError):
            await self.decide(session, two_schools.home, convenor, asked, approved=True, reason="")

    async def test_a_refusal_needs_its_reason(self, session: Session, two_schools: TwoSchools) -> None:
        asked = await self.request(session, two_schools.home)
        convenor = two_schools.home.actor("convenor")
        with pytest.raises(InvalidInputError):
            await self.decide(session, two_schools.home, convenor, asked, approved=False, reason="")
        decided = await self.decide(session, two_schools.home, convenor, asked, approved=False, reason="too late")
        assert decided.status is EnrollmentStatus.REJECTED
