"""A school whose students and offerings the rollup knows, and what its tools send about them."""

from typing import Any, Final
from uuid import UUID

import psycopg

from academe.platform.settings import Settings
from benchmarks.lrs_rows import statement_of

STUDENTS: Final = 2_000
OFFERINGS: Final = 4

_SCHOOL: Final = """
    INSERT INTO org_unit (id, institution_id, kind, code, name)
    VALUES (%(school)s, %(school)s, 'institution', 'BENCH', 'Benchmark College')"""
_UNITS: Final = """
    INSERT INTO unit (id, org_unit_id, institution_id, code, title)
    SELECT id, %(school)s, %(school)s, 'U' || id, 'Unit' FROM unnest(%(offerings)s::uuid[]) id"""
_TERM: Final = """
    INSERT INTO term (id, institution_id, code, title, starts_on, ends_on)
    VALUES (%(school)s, %(school)s, '2026S', 'Term', '2026-09-01', '2027-01-31')"""
_OFFERINGS: Final = """
    INSERT INTO offering (id, unit_id, term_id, org_unit_id, institution_id, starts_on, ends_on)
    SELECT id, id, %(school)s, %(school)s, %(school)s, '2026-09-01', '2027-01-31'
    FROM unnest(%(offerings)s::uuid[]) id"""
_PEOPLE: Final = """
    INSERT INTO person (id, institution_id, display_name)
    SELECT md5('p' || n)::uuid, %(school)s, 'Student ' || n FROM generate_series(0, %(last)s) n"""
_STUDENTS: Final = """
    INSERT INTO student_record (id, institution_id, person_id, number)
    SELECT md5('s' || n)::uuid, %(school)s, md5('p' || n)::uuid, 'k' || n FROM generate_series(0, %(last)s) n"""
_ENROLLMENTS: Final = """
    INSERT INTO enrollment (id, offering_id, student_id, status, enrolled_on)
    SELECT md5('e' || n)::uuid, (%(offerings)s::uuid[])[1 + n %% %(count)s], md5('s' || n)::uuid, 'enrolled',
        '2026-09-01'
    FROM generate_series(0, %(last)s) n"""


def found_school(conninfo: str) -> None:
    """Write the school, with a unit for each offering; `conninfo` is of a superuser."""
    offerings = [_offering(number) for number in range(OFFERINGS)]
    values = {"school": UUID(int=1), "last": STUDENTS - 1, "offerings": offerings, "count": OFFERINGS}
    with psycopg.connect(conninfo) as connection:
        for statement in (_SCHOOL, _UNITS, _TERM, _OFFERINGS, _PEOPLE, _STUDENTS, _ENROLLMENTS):
            connection.execute(statement.encode(), values)


def statement_about(number: int, settings: Settings) -> dict[str, Any]:
    """A statement of about 1 kB by a student in the offering in which the student is enrolled, without an id."""
    student = number % STUDENTS
    statement = statement_of(number)
    context = statement["context"]
    offering = {"id": f"{settings.public_url}/offerings/{_offering(student % OFFERINGS)}"}
    return {
        **statement,
        "actor": {"objectType": "Agent", "account": {"homePage": settings.public_url, "name": f"k{student}"}},
        "context": {**context, "contextActivities": {**context["contextActivities"], "grouping": [offering]}},
    }


def _offering(number: int) -> UUID:
    return UUID(int=0xB000 + number)
