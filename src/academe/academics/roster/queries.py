"""The roster of an offering: one statement for a page of it, as JSON that PostgreSQL builds or as rows for a screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Numeric, ScalarSelect, Select, Text, bindparam, case, cast, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.academics.models import Attendance, Enrollment, EnrollmentStatusChange, Offering, StudentRecord
from academe.academics.types import AttendanceStatus, EnrollmentStatus
from academe.identity.models import Person
from academe.platform.http.pagination import HotKeyset, PageRequest, SortKey

Order = Literal["number", "name", "status", "enrolled_on"]
Form = Literal["json", "rows"]


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """What a roster shows: a status or every one, numbers and names that hold `search`, and the order."""

    status: EnrollmentStatus | None = None
    search: str = ""
    order: Order = "number"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A student in an offering. `attendance` is the share of meetings attended, of those that were not excused.

    `is_restricted`: the data are kept and not used for anything else.
    """

    id: UUID
    student_id: UUID
    number: str
    name: str
    status: EnrollmentStatus
    enrolled_on: date | None
    withdrawn_on: date | None
    attendance: float | None
    is_restricted: bool


@dataclass(frozen=True, slots=True)
class RosterPage:
    """A page of the roster with the cursors to its neighbours."""

    rows: Sequence[RosterRow]
    next_cursor: str | None
    previous_cursor: str | None


@dataclass(frozen=True, slots=True)
class StatusStep:
    """One step in the history of an enrolment. `recorded_by` is the name of whoever took it, if a person did."""

    status: EnrollmentStatus
    effective_on: date
    reason: str
    recorded_at: datetime
    recorded_by: str | None


_ID: Final = SortKey("id", Enrollment.id)
# Shorter numbers first, so that 9 comes before 10 without asking every institution for numbers of one length.
_NUMBER: Final = (SortKey("length", func.length(StudentRecord.number)), SortKey("number", StudentRecord.number))
_ORDERS: Final[dict[Order, tuple[SortKey, ...]]] = {
    "number": (*_NUMBER, _ID),
    "name": (SortKey("name", Person.display_name), _ID),
    "status": (SortKey("status", cast(Enrollment.status, Text)), *_NUMBER, _ID),
    "enrolled_on": (SortKey("enrolled_on", Enrollment.enrolled_on, nullable=True), _ID),
}
ORDERS: Final[Sequence[Order]] = tuple(_ORDERS)


async def roster_json(
    session: AsyncSession, offering_id: UUID, shown: RosterFilter, request: PageRequest
) -> tuple[bytes, UUID | None]:
    """A page of the roster as the JSON document of the API, built by PostgreSQL and never parsed here.

    Beside it the offering's node in the organisation tree, which says who may see the page; None for an empty page.
    """
    rows, after, before = await _rows("json", session, offering_id, shown, request)
    items = ",".join([row[0] for row in rows])
    document = f'{{"items":[{items}],"next_cursor":{_quoted(after)},"previous_cursor":{_quoted(before)}}}'.encode()
    return document, rows[0][1] if rows else None


async def roster_page(
    session: AsyncSession, offering_id: UUID, shown: RosterFilter, request: PageRequest
) -> RosterPage:
    """A page of the roster for the screen."""
    rows, after, before = await _rows("rows", session, offering_id, shown, request)
    return RosterPage([_row(row) for row in rows], after, before)


async def steps_of(session: AsyncSession, enrollment_id: UUID) -> Sequence[StatusStep]:
    """The history of an enrolment, newest step first."""
    rows = await session.execute(
        select(
            EnrollmentStatusChange.status,
            EnrollmentStatusChange.effective_on,
            EnrollmentStatusChange.reason,
            EnrollmentStatusChange.recorded_at,
            Person.display_name,
        )
        .outerjoin(Person, Person.id == EnrollmentStatusChange.recorded_by)
        .where(EnrollmentStatusChange.enrollment_id == enrollment_id)
        .order_by(EnrollmentStatusChange.recorded_at.desc(), EnrollmentStatusChange.id.desc())
    )
    return [StatusStep(*row) for row in rows]


def _row(row: Sequence[Any]) -> RosterRow:
    identifier, student_id, number, name, status, enrolled_on, withdrawn_on, share, is_restricted = row[:9]
    attendance = None if share is None else float(share)
    return RosterRow(
        identifier,
        student_id,
        number,
        name,
        EnrollmentStatus(status),
        enrolled_on,
        withdrawn_on,
        attendance,
        is_restricted,
    )


async def _rows(
    form: Form, session: AsyncSession, offering_id: UUID, shown: RosterFilter, request: PageRequest
) -> tuple[Sequence[Sequence[Any]], str | None, str | None]:
    values: dict[str, object] = {"offering": offering_id}
    if shown.status:
        values["status"] = shown.status.value
    if shown.search:
        values["search"] = f"%{_literally(shown.search)}%"
    prepared = _prepared(form, shown.order, shown.descending, shown.status is not None, bool(shown.search))
    return await prepared.rows(session, request, **values)


@lru_cache(maxsize=64)  # two forms, four orders up and down, with or without each filter
def _prepared(form: Form, order: Order, descending: bool, by_status: bool, by_text: bool) -> HotKeyset:
    keys = tuple(SortKey(key.name, key.column, descending, key.nullable) for key in _ORDERS[order])
    statement = _roster(_item() if form == "json" else _columns())
    if by_status:
        statement = statement.where(Enrollment.status == bindparam("status", type_=Text()))
    if by_text:
        pattern = bindparam("search", type_=Text())
        statement = statement.where(or_(StudentRecord.number.ilike(pattern), Person.display_name.ilike(pattern)))
    return HotKeyset(statement, keys)


def _roster(columns: Sequence[Any]) -> Select[*tuple[Any, ...]]:
    return (
        select(*columns)
        .select_from(Enrollment)
        .join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        .join(Person, Person.id == StudentRecord.person_id)
        .where(Enrollment.offering_id == bindparam("offering", type_=Enrollment.offering_id.type))
    )


def _columns() -> list[Any]:
    return [
        Enrollment.id, Enrollment.student_id, StudentRecord.number, Person.display_name, cast(Enrollment.status, Text),
        Enrollment.enrolled_on, Enrollment.withdrawn_on, attendance_share(), Person.is_restricted,
    ]  # fmt: skip


def _item() -> list[Any]:
    names = [
        "id", "student_id", "number", "name", "status", "enrolled_on", "withdrawn_on", "attendance",
        "is_restricted",
    ]  # fmt: skip
    pairs: list[Any] = []
    for name, column in zip(names, _columns(), strict=True):
        pairs += [literal_column(f"'{name}'"), column]
    return [cast(func.json_build_object(*pairs), Text), _org_unit()]


def _org_unit() -> ScalarSelect[Any]:
    """The node of the offering, which PostgreSQL looks up once for all rows."""
    offering = bindparam("offering", type_=Enrollment.offering_id.type)
    return select(Offering.org_unit_id).where(Offering.id == offering).scalar_subquery()


def attendance_share() -> ScalarSelect[Any]:
    """The share of a student's meetings that were attended, late or not, of those not excused; null before the first.

    As a column of the result PostgreSQL works it out for the rows of the page alone, after sorting.
    """
    stayed_away = Attendance.status == AttendanceStatus.ABSENT
    came = case((stayed_away, 0), else_=1)
    return (
        select(func.round(cast(func.avg(came), Numeric), 3))
        .where(
            Attendance.offering_id == Enrollment.offering_id,
            Attendance.student_id == Enrollment.student_id,
            Attendance.status != AttendanceStatus.EXCUSED,
        )
        .correlate(Enrollment)
        .scalar_subquery()
    )


def _literally(searched: str) -> str:
    """The text for LIKE, in which its wildcards stand for themselves."""
    return searched.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _quoted(cursor: str | None) -> str:
    """A cursor as JSON; it is made of letters, digits, minus and underscore."""
    return "null" if cursor is None else f'"{cursor}"'
