"""Rules of retention: who says them, what goes by them, what a legal hold keeps, and that it is on record."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from academe.academics.models import Attendance
from academe.academics.types import AttendanceStatus
from academe.identity.models import AccountSession
from academe.identity.privacy.holds.models import LegalHold
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.types import RectificationStatus, RectifiedField
from academe.identity.tokens.models import ApiToken
from academe.insight.models import LearnerDay
from academe.messaging.mail.models import MailMessage
from academe.messaging.notifications.models import Notification
from academe.messaging.types import MailStatus, MailTemplate, NotificationKind
from academe.operations.retention.classes import CLASSES
from academe.operations.retention.models import RetentionRule
from academe.operations.retention.service import kept_classes, let_go_by_schedule
from academe.platform import clock
from academe.platform.audit.models import AuditEntry
from academe.platform.database.base import Base
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.schools import STARTS_ON, School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
PAGE = "/settings/retention"
LONG_AGO = clock.now() - timedelta(days=4000)
TABLES: dict[str, type[Base]] = {
    "sessions": AccountSession,
    "tokens": ApiToken,
    "notifications": Notification,
    "letters": MailMessage,
    "attendance": Attendance,
    "learner_days": LearnerDay,
}
"""Classes that are deleted, and where they lie."""


async def add_old_records(session: Session, school: School, number: int) -> None:
    """One record of each class about a student of the first offering, of ten years ago."""
    person, student = school.people[f"student{number}"], school.students[number]
    browser = AccountSession(account_id=school.accounts[f"student{number}"].id, token_hash=person.id.bytes)
    browser.expires_at = LONG_AGO
    token = ApiToken(person_id=person.id, name="Old", token_hash=person.id.bytes, scopes=["read"], expires_at=LONG_AGO)
    told = Notification(person_id=person.id, kind=NotificationKind.SYSTEM, title="Old", created_at=LONG_AGO)
    letter = MailMessage(
        person_id=person.id,
        institution_id=school.institution.id,
        template=MailTemplate.NOTIFICATION,
        idempotency_key="old",
        token=person.id.hex,
        content={},
        status=MailStatus.SUPPRESSED,
        created_at=LONG_AGO,
    )
    asked = RectificationRequest(
        institution_id=school.institution.id,
        person_id=person.id,
        field=RectifiedField.OTHER,
        wanted="x",
        reason="y",
        status=RectificationStatus.DECLINED,
        decided_at=LONG_AGO,
    )
    kinds = dict.fromkeys(("content", "resource", "forum", "quiz", "page", "homepage", "together"), 0)
    day = LearnerDay(
        enrollment_id=school.enrollment_of(number).id,
        day=LONG_AGO.date(),
        offering_id=school.offering.id,
        clicks=1,
        sites=1,
        new_sites=1,
        **kinds,
    )
    session.add_all((browser, token, told, letter, asked, day))
    came = select(Attendance).where(Attendance.student_id == student.id)
    attendance = (await session.scalars(came)).one()
    attendance.date, attendance.status, attendance.minutes_late = LONG_AGO.date(), AttendanceStatus.ABSENT, None
    attendance.reason = "Ill"
    await session.flush()


async def keep_for(session: Session, school: School, days: int, *keys: str) -> None:
    """Rules for some classes, or for every one."""
    chosen = keys or [each.key for each in CLASSES]
    rules = [RetentionRule(institution_id=school.institution.id, record_class=key, days=days) for key in chosen]
    session.add_all(rules)
    await session.flush()


async def rows(session: Session, table: type[Base]) -> int:
    return (await session.scalar(select(func.count()).select_from(table))) or 0


class TestRules:
    async def test_only_administrators_of_the_institution(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await browser.get(PAGE)).headers["location"].startswith("/sign-in")
        path = f"/api/v1/institutions/{home.institution.id}/retention"
        for school, who in ((home, "registrar"), (home, "auditor"), (away, "administrator")):
            client = await sign_in_as(school, who)
            assert (await client.get(path, headers=JSON)).status_code == 403
            assert (await client.put(f"{path}/sessions", headers=JSON, json={"days": 30})).status_code == 403

    async def test_the_database_lets_nobody_else_write(self, session: Session, home: School) -> None:
        for who in ("registrar", "auditor", "faculty_administrator"):
            async with as_actor(session, home.actor(who)):
                with pytest.raises(DBAPIError):
                    async with session.begin_nested():
                        session.add(RetentionRule(institution_id=home.institution.id, record_class="letters", days=30))

    async def test_what_is_wrong_is_said(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        short = await client.post(PAGE, data={"record_class": "attendance", "days": "30"})
        assert short.status_code == 422
        assert "365 to 36,500 days" in short.text
        path = f"/api/v1/institutions/{home.institution.id}/retention"
        unknown = await client.put(f"{path}/secrets", headers=JSON, json={"days": 30})
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "record_class")
        assert await rows(session, RetentionRule) == 0

    async def test_set_previewed_and_taken_away(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await add_old_records(session, home, 0)
        client = await sign_in_as(home, "administrator")
        assert (await client.post(PAGE, data={"record_class": "letters", "days": "400"})).status_code == 303
        assert "400 days" in (await client.get(PAGE)).text
        path = f"/api/v1/institutions/{home.institution.id}/retention"
        listed = {each["key"]: each for each in (await client.get(path, headers=JSON)).json()}
        assert (listed["letters"]["days"], listed["letters"]["over"]) == (400, 1)
        assert (listed["attendance"]["days"], listed["attendance"]["over"]) == (None, 0)
        assert (await client.put(f"{path}/letters", headers=JSON, json={"days": None})).status_code == 204
        assert await rows(session, RetentionRule) == 0
        said = select(AuditEntry.summary).where(AuditEntry.action == "retention_rule.changed").order_by(AuditEntry.seq)
        assert (await session.scalars(said)).all() == ["Letters: kept 400 days", "Letters: kept for good"]


class TestLettingGo:
    async def test_without_rules_nothing_goes(self, session: Session, database: JoinedDatabase, home: School) -> None:
        await add_old_records(session, home, 0)
        before = {key: await rows(session, table) for key, table in TABLES.items()}
        await let_go_by_schedule(database)
        assert {key: await rows(session, table) for key, table in TABLES.items()} == before

    async def test_every_class_goes_by_its_rule_and_no_other_school(
        self, session: Session, database: JoinedDatabase, home: School, away: School
    ) -> None:
        for school in (home, away):
            await add_old_records(session, school, 0)
        before = {key: await rows(session, table) for key, table in TABLES.items()}
        await keep_for(session, home, 400)
        previewed = {each.records.key: each.over for each in await kept_classes(session, home.institution.id)}
        assert set(previewed.values()) == {1}, "the preview counts what goes"
        await let_go_by_schedule(database)
        after = {key: await rows(session, table) for key, table in TABLES.items()}
        assert after == {key: count - 1 for key, count in before.items()}
        texts = await session.execute(
            select(RectificationRequest.institution_id, RectificationRequest.wanted.is_not(None))
        )
        assert {row[0]: row[1] for row in texts} == {home.institution.id: False, away.institution.id: True}
        entries = select(AuditEntry.changes).where(
            AuditEntry.action == "retention_rule.applied", AuditEntry.institution_id == home.institution.id
        )
        counted = {changes["record_class"]: changes["rows"] for changes in await session.scalars(entries) if changes}
        assert counted == previewed
        await let_go_by_schedule(database)
        assert {key: await rows(session, table) for key, table in TABLES.items()} == after

    async def test_the_mark_of_an_absence_stays_without_its_reason(
        self, session: Session, database: JoinedDatabase, home: School
    ) -> None:
        await add_old_records(session, home, 0)
        await keep_for(session, home, 400, "absence_reasons")
        await let_go_by_schedule(database)
        of_student = select(Attendance.status, Attendance.reason).where(Attendance.student_id == home.students[0].id)
        assert (await session.execute(of_student)).one() == (AttendanceStatus.ABSENT, "")

    async def test_nothing_of_who_is_held(self, session: Session, database: JoinedDatabase, home: School) -> None:
        for number in (0, 1):
            await add_old_records(session, home, number)
        held = home.people["student0"]
        hold = LegalHold(institution_id=home.institution.id, person_id=held.id, reason="Case 7")
        session.add(hold)
        await keep_for(session, home, 400)
        before = {key: await rows(session, table) for key, table in TABLES.items()}
        await let_go_by_schedule(database)
        assert {key: await rows(session, table) for key, table in TABLES.items()} == {
            key: count - 1 for key, count in before.items()
        }
        assert (await session.scalars(select(ApiToken.person_id))).all() == [held.id]
        hold.lifted_at = clock.now()
        await session.flush()
        await let_go_by_schedule(database)
        assert await rows(session, ApiToken) == 0

    async def test_what_is_younger_stays(self, session: Session, database: JoinedDatabase, home: School) -> None:
        came = select(func.count()).select_from(Attendance).where(Attendance.date >= STARTS_ON)
        before = await session.scalar(came)
        await keep_for(session, home, 36_500)
        await let_go_by_schedule(database)
        assert before
        assert await session.scalar(came) == before
