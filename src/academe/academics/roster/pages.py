"""Pages of the roster: the list with its bulk action, one enrolment with its history, and the form to enrol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, cast
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.access import enrollment_in, offering_for, offering_summary
from academe.academics.models import Enrollment, Offering
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.roster.forms import DecisionForm, EnrolForm, WithdrawForm
from academe.academics.roster.queries import ORDERS, Order, RosterFilter, RosterRow, StatusStep, roster_page, steps_of
from academe.academics.roster.service import (
    WAITING,
    decide_request,
    enrol_student,
    withdraw_student,
    withdraw_students,
)
from academe.academics.types import EnrollmentStatus
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, FieldError, InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, Sort, TableView, parse_form, redirect, render
from academe.platform.pages.filters import moment

router = page_router()

COLUMNS: Final = (
    Column("name", "Student", sortable=True),
    Column("number", "Number", sortable=True, hide_below="md"),
    Column("status", "Status", sortable=True),
    Column("enrolled_on", "Enrolled", sortable=True, hide_below="lg"),
    Column("attendance", "Attendance", align="end", hide_below="sm", hint="Of the meetings that were not excused"),
    Column("actions", "Actions", label_hidden=True, align="end"),
)
_MARKS: Final = {
    EnrollmentStatus.REQUESTED: ("clock", "warn"),
    EnrollmentStatus.WAITLISTED: ("clock", "warn"),
    EnrollmentStatus.ENROLLED: ("user-check", "good"),
    EnrollmentStatus.COMPLETED: ("certificate", "good"),
    EnrollmentStatus.WITHDRAWN: ("user-minus", "bad"),
    EnrollmentStatus.REJECTED: ("user-x", "bad"),
}


@dataclass(frozen=True, slots=True)
class RosterPage:
    """The roster as it was asked for. `statuses` are the choices of the filter with their counts."""

    offering: OfferingHead
    students: TableView[RosterRow]
    statuses: Sequence[tuple[str, str]]
    status: str
    search: str


@dataclass(frozen=True, slots=True)
class EnrolPage:
    """The form to enrol one student."""

    offering: OfferingHead
    form: FormView


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A step of an enrolment as the timeline shows it."""

    moment: date
    title: str
    text: str
    icon: str
    tone: str


@dataclass(frozen=True, slots=True)
class EnrollmentPage:
    """One enrolment with its history, newest step first, and what may be done next."""

    offering: OfferingHead
    enrollment_id: UUID
    student_id: UUID
    number: str
    name: str
    status: EnrollmentStatus
    enrolled_on: date | None
    history: Sequence[HistoryEntry]
    form: FormView

    @property
    def href(self) -> str:
        """The address of this page."""
        return f"{self.offering.href}/roster/{self.enrollment_id}"

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has to decide."""
        return self.status in WAITING

    @property
    def can_leave(self) -> bool:
        """Whether the student can be withdrawn."""
        return self.status is EnrollmentStatus.ENROLLED


@router.get("/offerings/{offering_id}/roster")
async def show_roster(
    request: Request,
    offering_id: UUID,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    status: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The students of an offering, sorted, filtered and paged by the address."""
    offering = await offering_summary(session, actor=actor, offering_id=offering_id)
    sort = Sort.parse(request.query_params.get("sort"), allowed=ORDERS, default=Sort("number"))
    chosen = EnrollmentStatus(status) if status in set(EnrollmentStatus) else None
    asked = RosterFilter(chosen, q.strip(), cast("Order", sort.key), sort.descending)
    found = await roster_page(session, offering.id, asked, paging)
    counts = offering.counts
    head = head_of(offering, actor, tab="roster")
    table = TableView(
        "students",
        request.url,
        COLUMNS,
        found.rows,
        sort=sort,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
        total=None if asked.search else counts.get(chosen, 0) if chosen else sum(counts.values()),
        row_id=(lambda row: str(row.id)) if head.can_enrol else None,
    )
    shown = RosterPage(head, table, _choices(counts), chosen.value if chosen else "", q)
    return render(request, "academics/roster.html", shown, block="students")


@router.post("/offerings/{offering_id}/roster/withdraw")
async def withdraw_selected(request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Withdraw the students whose rows were ticked, all or none."""
    form = await request.form()
    chosen = [UUID(value) for value in form.getlist("rows") if isinstance(value, str) and _is_uuid(value)]
    if not chosen:
        return redirect(request, _roster(offering_id), "No student was ticked, nothing was changed.", kind="warning")
    reason = str(form.get("reason", ""))
    count = await withdraw_students(session, actor=actor, offering_id=offering_id, enrollment_ids=chosen, reason=reason)
    done = "1 student was withdrawn." if count == 1 else f"{count} students were withdrawn."
    return redirect(request, _roster(offering_id), done)


@router.get("/offerings/{offering_id}/roster/enrol")
async def show_enrol(request: Request, offering_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """The form to enrol one student."""
    return await _enrol_page(request, session, actor, offering_id, FormView())


@router.post("/offerings/{offering_id}/roster/enrol")
async def enrol(request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Enrol one student by number."""
    parsed = parse_form(EnrolForm, await request.form())
    if parsed.data is None:
        return await _enrol_page(request, session, actor, offering_id, parsed.view, status=422)
    try:
        async with session.begin_nested():
            await enrol_student(
                session,
                actor=actor,
                offering_id=offering_id,
                student_number=parsed.data.student_number,
                effective_on=parsed.data.effective_on,
                reason=parsed.data.reason,
            )
    except (InvalidInputError, ConflictError) as error:
        return await _enrol_page(request, session, actor, offering_id, refused(parsed.view, error), error.status)
    return redirect(request, _roster(offering_id), f"Student {parsed.data.student_number.strip()} is enrolled.")


@router.get("/offerings/{offering_id}/roster/{enrollment_id}")
async def show_enrollment(
    request: Request, offering_id: UUID, enrollment_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """One enrolment with its history; looking at the record of one student leaves an entry in the audit."""
    return await _enrollment_page(request, session, actor, offering_id, enrollment_id, FormView())


@router.post("/offerings/{offering_id}/roster/{enrollment_id}/withdraw")
async def withdraw(
    request: Request, offering_id: UUID, enrollment_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Let the student leave."""
    parsed = parse_form(WithdrawForm, await request.form())
    if parsed.data is None:
        return await _enrollment_page(request, session, actor, offering_id, enrollment_id, parsed.view, 422)
    try:
        async with session.begin_nested():
            await withdraw_student(
                session,
                actor=actor,
                offering_id=offering_id,
                enrollment_id=enrollment_id,
                reason=parsed.data.reason,
                effective_on=parsed.data.effective_on,
            )
    except (InvalidInputError, ConflictError) as error:
        view = refused(parsed.view, error)
        return await _enrollment_page(request, session, actor, offering_id, enrollment_id, view, error.status)
    return redirect(request, f"{_roster(offering_id)}/{enrollment_id}", "The student was withdrawn.")


@router.post("/offerings/{offering_id}/roster/{enrollment_id}/decide")
async def decide(
    request: Request, offering_id: UUID, enrollment_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Grant or refuse the place that was asked for."""
    parsed = parse_form(DecisionForm, await request.form())
    if parsed.data is None:
        return await _enrollment_page(request, session, actor, offering_id, enrollment_id, parsed.view, 422)
    approved = parsed.data.decision == "approve"
    try:
        async with session.begin_nested():
            await decide_request(
                session,
                actor=actor,
                offering_id=offering_id,
                enrollment_id=enrollment_id,
                approved=approved,
                reason=parsed.data.reason,
            )
    except (InvalidInputError, ConflictError) as error:
        view = refused(parsed.view, error)
        return await _enrollment_page(request, session, actor, offering_id, enrollment_id, view, error.status)
    done = "The student is enrolled." if approved else "The request was refused."
    return redirect(request, f"{_roster(offering_id)}/{enrollment_id}", done)


def refused(view: FormView, error: InvalidInputError | ConflictError) -> FormView:
    """The form with what a verb had against it."""
    return view.with_errors(error.errors or [FieldError("", error.message)])


async def _enrol_page(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    offering_id: UUID,
    form: FormView,
    status: int = 200,
) -> Response:
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    shown = EnrolPage(head_of(offering, actor, tab="roster"), form)
    return render(request, "academics/enrol.html", shown, status=status)


async def _enrollment_page(
    request: Request,
    session: Session,
    actor: Actor,
    offering_id: UUID,
    enrollment_id: UUID,
    form: FormView,
    status: int = 200,
) -> Response:
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    enrollment = await enrollment_in(session, offering=offering, enrollment_id=enrollment_id)
    _say_who_looked(session, actor, offering, enrollment)
    shown = EnrollmentPage(
        offering=head_of(offering, actor, tab="roster"),
        enrollment_id=enrollment.id,
        student_id=enrollment.student_id,
        number=enrollment.student.number,
        name=enrollment.student.person.display_name,
        status=enrollment.status,
        enrolled_on=enrollment.enrolled_on,
        history=[_entry(step) for step in await steps_of(session, enrollment.id)],
        form=form,
    )
    return render(request, "academics/enrollment.html", shown, status=status)


def _entry(step: StatusStep) -> HistoryEntry:
    icon, tone = _MARKS[step.status]
    recorded = f"recorded {moment(step.recorded_at)}" + (f" by {step.recorded_by}" if step.recorded_by else "")
    text = f"{step.reason} · {recorded}" if step.reason else recorded
    return HistoryEntry(step.effective_on, step.status.value.capitalize(), text, icon, tone)


def _say_who_looked(session: Session, actor: Actor, offering: Offering, enrollment: Enrollment) -> None:
    subject = Subject("enrollment", enrollment.id, offering.institution_id, enrollment.student.person_id)
    record_access(session, actor=actor, subject=subject, purpose="history of an enrolment")


def _choices(counts: Mapping[EnrollmentStatus, int]) -> Sequence[tuple[str, str]]:
    """The statuses that occur, with their counts; the present choice stays even when nobody has it any more."""
    named = [(status.value, f"{status.value.capitalize()} ({counts.get(status, 0):,})") for status in EnrollmentStatus]
    return [("", f"Everybody ({sum(counts.values()):,})"), *named]


def _roster(offering_id: UUID) -> str:
    return f"/offerings/{offering_id}/roster"


def _is_uuid(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
