"""Who may read, insert, update and delete which record of people, asked of PostgreSQL itself as `academe_app`.

For every table with `PEOPLE` in its info there is one row of the school `home`, about `student0` in the first offering
where the table allows it. Each actor then tries each verb on it. A table that is not in `EXPECTED` fails the test: say
who may do what before you make it.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest
from psycopg import errors
from sqlalchemy import Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.base import PEOPLE
from academe.platform.database.discovery import import_models
from academe.platform.database.session import Session
from academe.platform.jobs.models import Job
from academe.platform.outbox.models import OutboxMessage
from tests.matrix_rows import MORE_ROWS
from tests.schools import School, TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

TABLES: Final = sorted(
    (table for table in import_models().tables.values() if table.info.get(PEOPLE)), key=lambda table: table.name
)

ACTORS: Final = (
    "anonymous",
    "student0",
    "student1",
    "student5",
    "lecturer",
    "convenor",
    "colleague",
    "advisor",
    "faculty_administrator",
    "registrar",
    "administrator",
    "auditor",
    "stranger",
)
"""`student1` sits in the same class as `student0`, `student5` does not; `stranger` administers the other school."""

# Who reads what happened in an offering: the student concerned, who teaches it, who answers for it.
READERS: Final = (
    *("student0", "lecturer", "convenor", "advisor"),
    *("faculty_administrator", "registrar", "administrator", "auditor"),
)

# One letter a verb: r(ead), i(nsert), u(pdate), d(elete). Actors that are not listed may do nothing; the system may do
# whatever the application has been granted at all, which is the second element.
EXPECTED: Final[dict[str, tuple[dict[str, str], str]]] = {
    "account": ({"student0": "riu", "administrator": "riu"}, "riu"),
    "account_session": ({"student0": "riud", "administrator": "riud"}, "riud"),
    "activity_day": (dict.fromkeys(READERS, "r"), "riud"),
    # The row is a lecturer's; administrators may cancel it.
    "announcement": ({"lecturer": "riu", "administrator": "ru"}, "riu"),
    "attendance": (
        {
            "student0": "r",
            "lecturer": "riud",
            "convenor": "riud",
            "advisor": "r",
            "registrar": "riud",
            "administrator": "riud",
            "faculty_administrator": "riud",
            "auditor": "r",
        },
        "riud",
    ),
    # People make tokens for themselves; administrators end them.
    "api_token": ({"student0": "riu", "administrator": "ru"}, "riud"),
    # The row is the system's: nobody writes in the name of another.
    "audit_entry": ({"student0": "r", "administrator": "r", "auditor": "r"}, "ri"),
    # Keepers place and lift holds; who audits sees them. The person does not: a hold may be part of an investigation.
    "legal_hold": (
        {"registrar": "riu", "administrator": "riu", "auditor": "r"},
        "riu",
    ),
    # Academe erases; keepers and auditors see that it did.
    # The copy is the student's own.
    "subject_export": ({"student0": "riud"}, "riud"),
    "erasure": (dict.fromkeys(("registrar", "administrator", "auditor"), "r"), "ri"),
    # The colleague opened the record; what may change of it are single columns, so the matrix finds no update.
    "emergency_opening": (
        {"colleague": "ri"} | dict.fromkeys(("student0", "administrator", "auditor"), "r"),
        "ri",
    ),
    # People decide for themselves, and what was decided stays; administrators and auditors see it.
    "consent_decision": (
        {"student0": "ri"} | dict.fromkeys(("administrator", "auditor"), "r"),
        "ri",
    ),
    "enrollment": (
        {
            "student0": "r",
            "lecturer": "r",
            "convenor": "riu",
            "advisor": "r",
            "registrar": "riu",
            "administrator": "riu",
            "faculty_administrator": "riu",
            "auditor": "r",
        },
        "riu",
    ),
    "enrollment_status_change": (
        {
            "student0": "r",
            "lecturer": "r",
            "convenor": "ri",
            "advisor": "r",
            "registrar": "ri",
            "administrator": "ri",
            "faculty_administrator": "ri",
            "auditor": "r",
        },
        "ri",
    ),
    # Whoever keeps the mail running; operators, who are not among these actors, as administrators.
    "caught_mail": ({"administrator": "r"}, "rid"),
    "service_account": ({"administrator": "riu"}, "riud"),
    # Everybody at home sees by what they may sign in.
    "identity_provider": (
        dict.fromkeys([who for who in ACTORS if who not in {"anonymous", "stranger"}], "r") | {"administrator": "riud"},
        "riud",
    ),
    # Students consent on their row and make none; the guardian of the row is the colleague.
    "guardianship": (
        {"student0": "ru", "colleague": "r", "auditor": "r"} | dict.fromkeys(("registrar", "administrator"), "riu"),
        "riu",
    ),
    "job": ({"student0": "riud"}, "riud"),
    "learner_day": (dict.fromkeys(READERS, "r"), "riud"),
    # Letters are Academe's; their reader may know of them, and keepers decide what becomes of one in trouble.
    "mail_message": ({"student0": "r", "administrator": "ru"}, "riud"),
    # Academe itself tells people; of a notification only whether it was read may be changed at all (its other columns
    # are not granted), so the matrix, which changes the key, finds reading alone.
    "notification": ({"student0": "r"}, "rid"),
    "notification_preference": ({"student0": "riud"}, "riud"),
    "notification_schedule": ({"student0": "riud"}, "riud"),
    # Who teaches is known to everybody in the institution.
    "offering_staff": (
        dict.fromkeys(
            ("student0", "student1", "student5", "lecturer", "convenor", "colleague", "advisor", "auditor"), "r"
        )
        | dict.fromkeys(("registrar", "administrator", "faculty_administrator"), "riud"),
        "riud",
    ),
    # Whoever causes a fact announces it; only the system hands it out.
    "outbox_message": (
        dict.fromkeys(
            ACTORS,
            "i",
        ),
        "riud",
    ),
    # Administrators take a lost passkey away. Who answers a challenge is not known yet, so only the system sees it.
    "passkey": ({"student0": "riud", "administrator": "rd"}, "riud"),
    "passkey_challenge": ({}, "rid"),
    # Whose key is made, read and destroyed is Academe's business alone.
    "destroyed_person_key": ({}, "ri"),
    "person_key": ({}, "riud"),
    # The directory: names and numbers are for the institution's staff.
    "person": (
        dict.fromkeys(
            ("student0", "lecturer", "convenor", "colleague", "advisor", "faculty_administrator", "auditor"), "r"
        )
        | dict.fromkeys(("registrar", "administrator"), "riu"),
        "riu",
    ),
    "person_particulars": (
        dict.fromkeys(("lecturer", "convenor", "advisor", "faculty_administrator", "auditor"), "r")
        | dict.fromkeys(("student0", "registrar", "administrator"), "riud"),
        "riud",
    ),
    # The row is the system's; whoever registers people sees and undoes imports.
    "people_import": (dict.fromkeys(("registrar", "administrator"), "riud"), "riud"),
    "people_import_person": (dict.fromkeys(("registrar", "administrator"), "rid"), "rid"),
    # Whoever may know a person sees the picture.
    "person_picture": (
        dict.fromkeys(("lecturer", "convenor", "colleague", "advisor", "faculty_administrator", "auditor"), "r")
        | dict.fromkeys(("student0", "registrar", "administrator"), "riud"),
        "riud",
    ),
    # Those who keep records restrict and lift, by single columns; who audits and the person see it.
    "processing_restriction": (
        dict.fromkeys(("registrar", "administrator"), "ri") | dict.fromkeys(("student0", "auditor"), "r"),
        "ri",
    ),
    # Administrators take a lost factor away; they never make one for somebody.
    # Who comes back from a provider is not known yet.
    "provider_sign_in": ({}, "riud"),
    # People ask for themselves; what may change of it are single columns, so the matrix finds no update.
    "rectification_request": (
        {"student0": "ri"} | dict.fromkeys(("registrar", "administrator", "auditor"), "r"),
        "ri",
    ),
    "recovery_code": ({"student0": "riud", "administrator": "rd"}, "riud"),
    "result": (
        {
            "student0": "r",
            "lecturer": "riud",
            "convenor": "riud",
            "advisor": "r",
            "registrar": "riud",
            "administrator": "riud",
            "faculty_administrator": "riud",
            "auditor": "r",
        },
        "riud",
    ),
    "risk_score": (dict.fromkeys(READERS, "r"), "ri"),
    # The row is the advisor's role at the department.
    "role_grant": (
        {
            "advisor": "r",
            "registrar": "r",
            "auditor": "r",
            "administrator": "riu",
            "faculty_administrator": "riu",
        },
        "riu",
    ),
    # The row is the convenor's own file on its way into the roster.
    "roster_upload": ({"convenor": "riud"}, "riud"),
    "student_protected_attributes": (
        {"registrar": "riud", "administrator": "riud", "faculty_administrator": "r"},
        "riud",
    ),
    "student_record": (
        dict.fromkeys(
            ("student0", "lecturer", "convenor", "colleague", "advisor", "faculty_administrator", "auditor"), "r"
        )
        | dict.fromkeys(("registrar", "administrator"), "riu"),
        "riu",
    ),
    "sign_in_identity": ({"student0": "rd", "administrator": "rud"}, "riud"),
    "totp_factor": ({"student0": "riud", "administrator": "rd"}, "riud"),
    "undeliverable_address": ({"administrator": "riud"}, "riud"),
    # Between the password and the code nobody acts yet; a new password of one's own ends both.
    "sign_in_link": ({"student0": "rd"}, "rid"),
    "unfinished_sign_in": ({"student0": "rd"}, "riud"),
    # Senders are programs; Academe acts for them, and asks who may see what. What was stated is never taken back.
    "xapi_agent": ({}, "riu"),
    "xapi_agent_link": ({}, "riud"),
    "xapi_alias": ({}, "ri"),
    "xapi_alias_key": ({}, "ri"),
    "xapi_attachment": ({}, "ri"),
    "xapi_attachment_source": ({}, "ri"),
    "xapi_document": ({}, "riud"),
    # A forward carries what is known about people to somebody else; operators, who are not among these actors, see it
    # and keep it going.
    "people_query": (dict.fromkeys(("registrar", "administrator", "faculty_administrator"), "riu"), "riu"),
    # Staff choose a template; the words of the row are an administrator's, and stay as they are.
    "message_template": (
        dict.fromkeys(
            ("lecturer", "convenor", "colleague", "advisor", "faculty_administrator", "registrar", "auditor"), "r"
        )
        | {"administrator": "riu"},
        "riu",
    ),
    "message_template_text": (
        dict.fromkeys(
            ("lecturer", "convenor", "colleague", "advisor", "faculty_administrator", "registrar", "auditor"), "r"
        )
        | {"administrator": "ri"},
        "ri",
    ),
    "webhook_delivery": ({"administrator": "riud"}, "riud"),
    "webhook_endpoint": ({"administrator": "riud"}, "riud"),
    "xapi_forward": ({"administrator": "riud"}, "riud"),
    "xapi_forward_letter": ({"administrator": "riud"}, "riud"),
    "xapi_forward_minute": ({"administrator": "r"}, "riud"),
    "xapi_forward_progress": ({"administrator": "riud"}, "riud"),
    "xapi_reference": ({}, "ri"),
    "xapi_sender": ({"administrator": "riu"}, "riu"),
    "xapi_set_aside": ({"administrator": "rd", "auditor": "r"}, "rid"),
    "xapi_statement": ({}, "ri"),
    "xapi_statement_activity": ({}, "ri"),
    "xapi_statement_agent": ({}, "ri"),
    "xapi_statement_id": ({}, "ri"),
}


def where_of_person(school: School) -> dict[str, str]:
    """The condition that finds the one row of each table, where its key is not simply about `student0`."""
    student, person = school.students[0].id, school.people["student0"].id
    enrollment = school.enrollment_of(0).id
    return {
        "account": f"person_id = '{person}'",
        "account_session": f"account_id = '{school.accounts['student0'].id}'",
        "activity_day": f"actor_id = '{person}' AND day = '2026-09-28'",
        "attendance": f"student_id = '{student}'",
        "audit_entry": f"person_id = '{person}'",
        "enrollment": f"id = '{enrollment}'",
        "enrollment_status_change": f"enrollment_id = '{enrollment}'",
        "job": f"requested_by = '{person}'",
        "offering_staff": f"person_id = '{school.people['lecturer'].id}'",
        "outbox_message": "kind = 'test.matrix'",
        "person": f"id = '{person}'",
        "person_particulars": f"person_id = '{person}'",
        "result": f"student_id = '{student}'",
        "role_grant": f"person_id = '{school.people['advisor'].id}'",
        "student_protected_attributes": f"student_id = '{student}'",
        "student_record": f"id = '{student}'",
    }


async def make_rows(session: Session, school: School) -> dict[str, str]:
    """Add the rows that the fixture has not made; returns the condition for the row of each table."""
    person = school.people["student0"]
    session.add(Job(kind="test.matrix", title="A job", arguments={}, actor={}, requested_by=person.id))
    session.add(OutboxMessage(kind="test.matrix", payload={}))
    subject = Subject("person", person.id, school.institution.id, person.id)
    record(session, actor=system_actor("matrix"), action="person.tested", subject=subject, summary="Tested")
    await session.execute(
        text(
            "INSERT INTO account_session (id, account_id, token_hash, expires_at)"
            " VALUES (gen_random_uuid(), :account, uuid_send(:account), now() + interval '1 hour')"
        ),
        {"account": school.accounts["student0"].id},
    )
    where = where_of_person(school)
    for add in MORE_ROWS:
        where |= await add(session, school)
    await session.finish()
    return where


def actor_called(who: str, schools: TwoSchools) -> Actor:
    """The actor of a name in `ACTORS`."""
    if who == "anonymous":
        return ANONYMOUS
    return schools.away.actor("administrator") if who == "stranger" else schools.home.actor(who)


async def verbs_allowed(session: AsyncSession, table: Table, condition: str) -> str:
    """The letters of the verbs that the present actor may use on the row."""
    key = next(iter(table.primary_key.columns)).name
    written = ", ".join(column.name for column in table.columns if column.computed is None)
    attempts: dict[str, tuple[str, Callable[[int], bool]]] = {
        "r": (f"SELECT 1 FROM {table.name} WHERE {condition}", lambda rows: rows > 0),
        "i": (f"INSERT INTO {table.name} ({written}) SELECT {written} FROM sample_row", lambda rows: rows > 0),
        "u": (f"UPDATE {table.name} SET {key} = {key} WHERE {condition}", lambda rows: rows > 0),
        "d": (f"DELETE FROM {table.name} WHERE {condition}", lambda rows: rows > 0),
    }
    return "".join([verb for verb, (sql, done) in attempts.items() if await _succeeds(session, sql, done)])


async def _succeeds(session: AsyncSession, sql: str, done: Callable[[int], bool]) -> bool:
    savepoint = await session.begin_nested()
    try:
        result: Any = await session.execute(text(sql))
        return done(len(result.all()) if result.returns_rows else result.rowcount)
    except DBAPIError as error:
        # Rights are checked first: whatever else PostgreSQL objects to, it would have let the actor do it.
        if isinstance(error.orig, errors.UniqueViolation | errors.ForeignKeyViolation):
            return True
        if isinstance(error.orig, errors.InsufficientPrivilege | errors.RestrictViolation):
            return False
        raise
    finally:
        await savepoint.rollback()


def test_every_table_of_people_is_expected() -> None:
    assert {table.name for table in TABLES} == set(EXPECTED)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
async def test_matrix(table: Table, session: Session, two_schools: TwoSchools) -> None:
    conditions = await make_rows(session, two_schools.home)
    condition = conditions[table.name]
    rows = await session.scalar(text(f"SELECT count(*) FROM {table.name} WHERE {condition}"))
    assert rows == 1, f"the matrix needs one row of {table.name}, not {rows}"
    await session.execute(text(f"CREATE TEMPORARY TABLE sample_row AS SELECT * FROM {table.name} WHERE {condition}"))
    allowed, for_system = EXPECTED[table.name]

    found = {"system": await verbs_allowed(session, table, condition)}
    for who in ACTORS:
        async with as_actor(session, actor_called(who, two_schools)):
            found[who] = await verbs_allowed(session, table, condition)

    assert found == {"system": for_system} | {who: allowed.get(who, "") for who in ACTORS}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
async def test_nobody_sees_the_other_school(table: Table, session: Session, two_schools: TwoSchools) -> None:
    """The whole table as everybody at home sees it holds no row of the school away."""
    condition = (await make_rows(session, two_schools.away))[table.name]
    for who in ACTORS:
        if who in {"anonymous", "stranger"}:
            continue
        async with as_actor(session, actor_called(who, two_schools)):
            rows = await session.scalar(text(f"SELECT count(*) FROM {table.name} WHERE {condition}"))
        assert rows == 0, f"{who} of home sees {rows} rows of {table.name} away"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table.name))
async def test_the_read_only_role_writes_nothing_and_reads_no_secret(table: Table, session: Session) -> None:
    """`academe_readonly` is under the same policies, because the table has them switched on."""
    columns = await session.scalars(
        text(
            "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND"
            " has_column_privilege('academe_readonly', 'public.' || :table, column_name, 'SELECT')"
        ),
        {"table": table.name},
    )
    readable = set(columns.all())
    assert not readable & {"password_hash", "token_hash", "code_hash", "secret", "challenge"}
    writes = await session.scalar(
        text("SELECT has_table_privilege('academe_readonly', 'public.' || :table, 'INSERT, UPDATE, DELETE, TRUNCATE')"),
        {"table": table.name},
    )
    assert writes is False
    protected = await session.scalar(
        text("SELECT relrowsecurity FROM pg_class WHERE oid = ('public.' || :table)::regclass"), {"table": table.name}
    )
    assert protected is True
