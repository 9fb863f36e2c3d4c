"""Pages of one student: for those who look after the student, and for the student."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from academe.academics.errors import StudentNotFoundError
from academe.identity.types import Role
from academe.insight.student import words
from academe.insight.student.access import SeenStudent, Taken, own_record_of, student_for
from academe.insight.student.class_figures import class_figures
from academe.insight.student.picture import Picture, picture_of
from academe.insight.student.records import Records, records_of
from academe.insight.weeks import Week, choose_week, scored_weeks
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import NavigationEntry, redirect, render

router = page_router()

OWN_PAGE: Final = "/my-progress"
PURPOSE: Final = "looking after the student: risk, activity, coursework and attendance"
FIRST_ENTRIES: Final = 10
"""Entries of the timeline that stand open; the others are one click away."""


def _is_student(actor: Actor) -> bool:
    return actor.has_role(Role.STUDENT)


NAVIGATION: Final = (NavigationEntry("My progress", OWN_PAGE, "chart-line", visible=_is_student, section="Studying"),)


@dataclass(frozen=True, slots=True)
class StudentPage:
    """A student in one offering. `path` is this page's address without the query."""

    student: SeenStudent
    taken: Taken
    picture: Picture
    path: str
    first_entries: int = FIRST_ENTRIES

    @property
    def offerings(self) -> Sequence[tuple[str, str, bool, None]]:
        """The student's offerings as tabs."""
        return [
            (
                f"{each.unit_code}, {each.term_title}",
                f"{self.path}?offering={each.offering_id}",
                each == self.taken,
                None,
            )
            for each in self.student.offerings
        ]

    @property
    def keep(self) -> dict[str, str]:
        """What the slider sends along."""
        return {"offering": str(self.taken.offering_id)}

    @property
    def has_left(self) -> bool:
        """Whether the student had left the offering by the day."""
        left = self.taken.withdrawn_on
        return left is not None and left <= self.picture.week.as_of

    def href(self, *, week: int) -> str:
        """The page as of another week."""
        return f"{self.path}?offering={self.taken.offering_id}&week={week}"

    def in_words(self, probability: float) -> str:
        """What the estimate means for those who look after the student."""
        return words.of_students_like(probability)

    def still_succeed(self, probability: float) -> str:
        """What the estimate means for the student."""
        return words.still_succeed(probability)

    def how_sure(self, lower: float, upper: float) -> str:
        """How far the estimate can be trusted."""
        return words.how_sure(lower, upper)


@dataclass(frozen=True, slots=True)
class NoProgressPage:
    """The own page of somebody who is no student, or is enrolled in nothing yet."""

    name: str


@router.get("/students/{student_id}")
async def show_student(
    request: Request,
    student_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    offering: str = "",
    week: str = "",
) -> Response:
    """One student as of a week. Looking leaves an entry in the audit; students are taken to their own page."""
    try:
        student = await student_for(session, actor=actor, student_id=student_id)
    except StudentNotFoundError:
        if await _is_own(session, actor, student_id):
            return redirect(request, OWN_PAGE)
        raise
    taken = student.offering(_uuid(offering))
    subject = Subject("student_record", student.id, student.institution_id, student.person_id)
    record_access(session, actor=actor, subject=subject, purpose=PURPOSE)
    chosen, records = await _read(session, student, taken, week)
    of_class = await class_figures(
        session, offering_id=taken.offering_id, starts_on=taken.starts_on, as_of=chosen.as_of
    )
    picture = picture_of(taken, chosen, records, of_class, own=False, with_bands=True)
    return render(
        request, "insight/student.html", StudentPage(student, taken, picture, request.url.path), block="picture"
    )


@router.get(OWN_PAGE)
async def show_my_progress(request: Request, actor: SignedIn, offering: str = "", week: str = "") -> Response:
    """The student's own page: the same facts and the same estimate that staff see.

    Two transactions one after the other: the student's own, and one of the system for the figures of the class, which
    row-level security would show no student.
    """
    database = database_of(request)
    async with database.reading(actor) as session:
        try:
            student = await own_record_of(session, actor=actor)
        except StudentNotFoundError:
            return render(request, "insight/no_progress.html", NoProgressPage(actor.label))
        taken = student.offering(_uuid(offering))
        chosen, records = await _read(session, student, taken, week)
    async with database.reading(system_actor("figures of a class for one of its students")) as session:
        of_class = await class_figures(
            session, offering_id=taken.offering_id, starts_on=taken.starts_on, as_of=chosen.as_of
        )
    picture = picture_of(taken, chosen, records, of_class, own=True, with_bands=False)
    return render(
        request, "insight/my_progress.html", StudentPage(student, taken, picture, request.url.path), block="picture"
    )


async def _read(session: AsyncSession, student: SeenStudent, taken: Taken, week: str) -> tuple[Week, Records]:
    scored = await scored_weeks(session, [taken.offering_id], taken.starts_on, taken.ends_on)
    asked = int(week) if week.isdecimal() and len(week) < 4 else None
    chosen = choose_week(taken.starts_on, taken.ends_on, asked=asked, today=clock.now().date(), scored=scored)
    records = await records_of(
        session,
        enrollment_id=taken.enrollment_id,
        student_id=student.id,
        offering_id=taken.offering_id,
        as_of=chosen.as_of,
    )
    return chosen, records


async def _is_own(session: AsyncSession, actor: Actor, student_id: UUID) -> bool:
    try:
        return (await own_record_of(session, actor=actor)).id == student_id
    except StudentNotFoundError:
        return False


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
