"""Two whole schools, so that every test of who sees what has somebody next door who must not.

`two_schools` (in `tests/conftest.py`) gives `home` and `away`, built alike. In each: an institution with a faculty and
two departments; an offering in the first (`offering`) and one in the second (`other_offering`); people of every role;
six students, `students[0]` to `[3]` in the first offering and `[3]` to `[5]` in the second; a meeting with attendance,
an assessment with results, and days of activity. Nothing is random: names, dates and marks are the same in every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from academe.academics.models import (
    Assessment,
    Attendance,
    Enrollment,
    EnrollmentStatusChange,
    Meeting,
    Offering,
    OfferingResource,
    OfferingStaff,
    Program,
    Result,
    StudentProtectedAttributes,
    StudentRecord,
    Term,
    Unit,
)
from academe.academics.types import AssessmentKind, AttendanceStatus, EnrollmentStatus, MeetingKind, StaffRole
from academe.identity.models import Account, OrgUnit, Person, PersonParticulars, RoleGrant
from academe.identity.queries import role_scopes
from academe.identity.types import OrgUnitKind, Role
from academe.lrs.models import ActivityDay
from academe.platform.actor import Actor, ActorKind, RoleScope
from academe.platform.database.base import Base
from academe.platform.database.partitions import ensure_months
from academe.platform.database.session import Session
from academe.platform.ids import new_id

STARTS_ON = date(2026, 9, 28)
ENDS_ON = date(2027, 2, 5)
GRANTED_ON = date(2020, 1, 1)

NODE_ROLES = {
    "advisor": (Role.ADVISOR, "department"),
    "registrar": (Role.REGISTRAR, "institution"),
    "administrator": (Role.ADMINISTRATOR, "institution"),
    "auditor": (Role.AUDITOR, "institution"),
    "faculty_administrator": (Role.ADMINISTRATOR, "faculty"),
}
"""People who hold a role at a node, and at which one."""

STAFF_ROLES = {
    "lecturer": ("offering", StaffRole.LECTURER),
    "convenor": ("offering", StaffRole.CONVENOR),
    "colleague": ("other_offering", StaffRole.LECTURER),
}
"""People who teach, and what: `colleague` has nothing to do with the first offering."""


@dataclass
class School:
    """One institution with everybody in it; every attribute is a row that has been flushed."""

    name: str
    institution: OrgUnit
    faculty: OrgUnit
    department: OrgUnit
    other_department: OrgUnit
    program: Program
    term: Term
    unit: Unit
    other_unit: Unit
    offering: Offering
    other_offering: Offering
    resource: OfferingResource
    meeting: Meeting
    assessment: Assessment
    people: dict[str, Person] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    students: list[StudentRecord] = field(default_factory=list)
    enrollments: list[Enrollment] = field(default_factory=list)
    actors: dict[str, Actor] = field(default_factory=dict)

    def actor(self, who: str) -> Actor:
        """Somebody as the resolver would make them: `lecturer`, `convenor`, `colleague`, `advisor`, `registrar`,
        `administrator`, `auditor`, `faculty_administrator`, or `student0` to `student5`."""
        return self.actors[who]

    def enrollment_of(self, student: int, offering: Offering | None = None) -> Enrollment:
        """The enrolment of a student in the first offering, or in the one given."""
        sought = (self.students[student].id, (offering or self.offering).id)
        return next(each for each in self.enrollments if (each.student_id, each.offering_id) == sought)


@dataclass(frozen=True)
class TwoSchools:
    """`home`, whose people a test is about, and `away`, whose people must see nothing of it."""

    home: School
    away: School


async def build_two_schools(session: Session) -> TwoSchools:
    """Build both in the session's transaction, which must be the system's."""
    await ensure_months(session, "activity_day", STARTS_ON, STARTS_ON + timedelta(days=60))
    return TwoSchools(await build_school(session, "home"), await build_school(session, "away"))


async def build_school(session: Session, name: str) -> School:
    """Build one school; `name` makes its codes and addresses differ from those of another."""
    school = _catalogue(name)
    await _add(
        session,
        [school.institution, school.faculty, school.department, school.other_department],
        [school.program, school.term, school.unit, school.other_unit],
        [school.offering, school.other_offering],
        [school.resource, school.meeting, school.assessment],
    )
    for who in (*NODE_ROLES, *STAFF_ROLES):
        _add_person(school, who, f"{who.replace('_', ' ').capitalize()} of {name}")
    for number in range(6):
        _add_student(school, number)
    await _add(
        session,
        list(school.people.values()),
        [*school.accounts.values(), *_roles(school), *school.students],
        [*school.enrollments, *_particulars(school)],
        _records(school),
    )
    for who, person in school.people.items():
        granted = await role_scopes(session, person.id) if who in NODE_ROLES else ()
        school.actors[who] = actor_of_person(person, (*granted, *_teaching(school, person.id)))
    return school


async def _add(session: Session, *layers: Sequence[Base]) -> None:
    """Add rows in an order that foreign keys allow: the models have few relationships for the session to sort by."""
    for rows in layers:
        session.add_all(rows)
        await session.flush()


def actor_of_person(person: Person, scopes: tuple[RoleScope, ...]) -> Actor:
    """A person as the actor of requests."""
    return Actor(kind=ActorKind.PERSON, label=person.display_name, person_id=person.id, scopes=scopes)


def _catalogue(name: str) -> School:
    root = new_id()

    def node(kind: OrgUnitKind, code: str, title: str, parent: UUID | None) -> OrgUnit:
        node_id = root if parent is None else new_id()
        return OrgUnit(id=node_id, institution_id=root, parent_id=parent, kind=kind, code=code, name=title)

    institution = node(OrgUnitKind.INSTITUTION, name, f"University of {name.capitalize()}", None)
    faculty = node(OrgUnitKind.FACULTY, "SCI", "Faculty of Science", root)
    department = node(OrgUnitKind.DEPARTMENT, "MATH", "Department of Mathematics", faculty.id)
    other_department = node(OrgUnitKind.DEPARTMENT, "HIST", "Department of History", root)
    program = Program(id=new_id(), org_unit_id=faculty.id, institution_id=root, code="BSC", title="Bachelor of Science")
    term = Term(
        id=new_id(), institution_id=root, code="2026A", title="Autumn 2026", starts_on=STARTS_ON, ends_on=ENDS_ON
    )

    def unit(code: str, title: str, owner: OrgUnit) -> Unit:
        return Unit(id=new_id(), org_unit_id=owner.id, institution_id=root, code=code, title=title)

    def offering(of: Unit) -> Offering:
        return Offering(
            id=new_id(),
            unit_id=of.id,
            term_id=term.id,
            org_unit_id=of.org_unit_id,
            institution_id=root,
            starts_on=STARTS_ON,
            ends_on=ENDS_ON,
        )

    first, second = unit("MATH101", "Calculus", department), unit("HIST101", "The ancient world", other_department)
    taught, also_taught = offering(first), offering(second)
    starts_at = datetime(2026, 10, 6, 10, 0, tzinfo=UTC)
    return School(
        name=name,
        institution=institution,
        faculty=faculty,
        department=department,
        other_department=other_department,
        program=program,
        term=term,
        unit=first,
        other_unit=second,
        offering=taught,
        other_offering=also_taught,
        resource=OfferingResource(id=new_id(), offering_id=taught.id, sourced_id="r1", kind="page"),
        meeting=Meeting(
            id=new_id(),
            offering_id=taught.id,
            kind=MeetingKind.LECTURE,
            title="Lecture 1",
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
        ),
        assessment=Assessment(
            id=new_id(),
            offering_id=taught.id,
            title="Assignment 1",
            kind=AssessmentKind.ASSIGNMENT,
            weight=Decimal(20),
            due_on=date(2026, 10, 19),
            max_score=Decimal(100),
        ),
    )


def _add_person(school: School, who: str, display_name: str) -> Person:
    person = Person(id=new_id(), institution_id=school.institution.id, display_name=display_name, sourced_id=who)
    school.people[who] = person
    school.accounts[who] = Account(id=new_id(), person_id=person.id, email=f"{who}@{school.name}.example")
    return person


def _add_student(school: School, number: int) -> None:
    person = _add_person(school, f"student{number}", f"Student 1000{number}")
    student = StudentRecord(
        id=new_id(),
        institution_id=school.institution.id,
        person_id=person.id,
        program_id=school.program.id,
        number=f"1000{number}",
        cohort="2026",
    )
    school.students.append(student)
    taken = ([school.offering] if number <= 3 else []) + ([school.other_offering] if number >= 3 else [])
    school.enrollments.extend(
        Enrollment(
            id=new_id(),
            offering_id=offering.id,
            student_id=student.id,
            status=EnrollmentStatus.ENROLLED,
            enrolled_on=STARTS_ON,
            studied_credits=60,
        )
        for offering in taken
    )


def _roles(school: School) -> list[RoleGrant | OfferingStaff]:
    nodes = {"institution": school.institution, "faculty": school.faculty, "department": school.department}
    offerings = {"offering": school.offering, "other_offering": school.other_offering}
    grants = [
        RoleGrant(
            person_id=school.people[who].id, org_unit_id=nodes[where].id, role=role, starts_on=GRANTED_ON, ends_on=None
        )
        for who, (role, where) in NODE_ROLES.items()
    ]
    staff = [
        OfferingStaff(offering_id=offerings[what].id, person_id=school.people[who].id, role=role)
        for who, (what, role) in STAFF_ROLES.items()
    ]
    return [*grants, *staff]


def _teaching(school: School, person_id: UUID) -> list[RoleScope]:
    offerings = {"offering": school.offering, "other_offering": school.other_offering}
    return [
        RoleScope(role=role.value, institution_id=school.institution.id, offering_id=offerings[what].id)
        for who, (what, role) in STAFF_ROLES.items()
        if school.people[who].id == person_id
    ]


def _particulars(school: School) -> list[PersonParticulars | StudentProtectedAttributes]:
    first = school.students[0]
    return [
        PersonParticulars(person_id=first.person_id, contact_email=f"first@{school.name}.example"),
        StudentProtectedAttributes(student_id=first.id, gender="F", region="North", age_band="0-35"),
    ]


def _records(school: School) -> list[EnrollmentStatusChange | Attendance | Result | ActivityDay]:
    rows: list[EnrollmentStatusChange | Attendance | Result | ActivityDay] = [
        EnrollmentStatusChange(
            enrollment_id=enrollment.id,
            offering_id=enrollment.offering_id,
            status=EnrollmentStatus.ENROLLED,
            effective_on=STARTS_ON,
        )
        for enrollment in school.enrollments
    ]
    for number, student in enumerate(school.students[:4]):
        late = number == 2
        rows.append(
            Attendance(
                meeting_id=school.meeting.id,
                offering_id=school.offering.id,
                student_id=student.id,
                date=school.meeting.starts_at.date(),
                status=AttendanceStatus.TARDY if late else AttendanceStatus.PRESENT,
                minutes_late=10 if late else None,
            )
        )
        rows.append(
            Result(
                assessment_id=school.assessment.id,
                offering_id=school.offering.id,
                max_score=school.assessment.max_score,
                student_id=student.id,
                submitted_on=date(2026, 10, 18 + number),
                marked_on=date(2026, 10, 26),
                score=Decimal(80 - 15 * number),
            )
        )
        rows.extend(
            ActivityDay(
                context_id=school.offering.id,
                actor_id=student.person_id,
                day=STARTS_ON + timedelta(days=day),
                activity_id=school.resource.id,
                kind="page",
                count=5 - number,
            )
            for day in range(0, 14, number + 1)
        )
    return rows
