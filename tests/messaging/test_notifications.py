"""Verbs of notifications: who may tell, who is told, and that nobody is told the same twice."""

import json

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import DBAPIError

from academe.identity.models import Person
from academe.identity.types import PersonStatus
from academe.messaging.errors import NotificationNotFoundError
from academe.messaging.notifications.models import Notification
from academe.messaging.notifications.queries import count_unread, preferences_of
from academe.messaging.notifications.service import (
    Notice,
    Preference,
    mark_all_read,
    mark_read,
    notify,
    notify_each,
    set_preferences,
)
from academe.messaging.types import EmailMode, NotificationKind
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")
NOTICE = Notice(NotificationKind.GRADE, "Your result is there", "MATH101", "/my-progress", "result:1")


async def told(session: Session, home: School, who: str = "student0", notice: Notice = NOTICE) -> Notification:
    """Tell somebody something; returns the row."""
    await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people[who].id])
    return (await session.scalars(select(Notification).where(Notification.person_id == home.people[who].id))).one()


class TestNotify:
    async def test_nobody_and_no_person_may(self, session: Session, home: School) -> None:
        for actor in (ANONYMOUS, home.actor("student0"), home.actor("administrator")):
            async with as_actor(session, actor):
                with pytest.raises(PermissionDeniedError):
                    await notify(session, actor=actor, notice=NOTICE, receivers=[home.people["student1"].id])

    async def test_the_database_refuses_a_person_too(self, session: Session, home: School) -> None:
        row = {"id": new_id(), "person": home.people["student1"].id}
        insert = text("INSERT INTO notification (id, person_id, kind, title) VALUES (:id, :person, 'system', 'x')")
        async with as_actor(session, home.actor("administrator")):
            with pytest.raises(DBAPIError, match="row-level security"):
                async with session.begin_nested():
                    await session.execute(insert, row)

    async def test_the_receiver_alone_reads_it(self, session: Session, home: School, away: School) -> None:
        await told(session, home)
        for actor in (
            home.actor("student1"),
            home.actor("administrator"),
            home.actor("lecturer"),
            away.actor("student0"),
        ):
            async with as_actor(session, actor):
                assert await session.scalar(select(func.count()).select_from(Notification)) == 0
        async with as_actor(session, home.actor("student0")):
            row = (await session.execute(select(Notification.title, Notification.link, Notification.read_at))).one()
        assert tuple(row) == ("Your result is there", "/my-progress", None)

    async def test_the_same_is_told_once(self, session: Session, home: School) -> None:
        people = [home.people["student0"].id, home.people["student1"].id]
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=people[:1] * 2) == 1
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=people) == 1
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=people) == 0
        without_key = Notice(NotificationKind.SYSTEM, "Again")
        assert [await notify(session, actor=SYSTEM, notice=without_key, receivers=people) for _ in range(2)] == [2, 2]

    async def test_several_things_at_once(self, session: Session, home: School) -> None:
        first, second = home.people["student0"].id, home.people["student1"].id
        other = Notice(NotificationKind.EVENT, "An event")
        assert await notify_each(session, actor=SYSTEM, notices=[(NOTICE, [first]), (other, [first, second])]) == 3
        assert await notify_each(session, actor=SYSTEM, notices=[(NOTICE, [])]) == 0
        assert await count_unread(session, first) == 2

    async def test_who_is_deactivated_or_unknown_is_passed_over(self, session: Session, home: School) -> None:
        home.people["student1"].status = PersonStatus.DEACTIVATED
        await session.flush()
        receivers = [home.people["student0"].id, home.people["student1"].id, new_id()]
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=receivers) == 1

    async def test_preferences_are_kept_but_for_what_is_essential(self, session: Session, home: School) -> None:
        student = home.actor("student0")
        nowhere = Preference(False, EmailMode.OFF)
        wanted = {NotificationKind.GRADE: nowhere, NotificationKind.ENROLMENT: nowhere}
        async with as_actor(session, student):
            await set_preferences(session, actor=student, wanted=wanted)
        receivers = [home.people["student0"].id]
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=receivers) == 0
        enrolled = Notice(NotificationKind.ENROLMENT, "You are enrolled")
        assert await notify(session, actor=SYSTEM, notice=enrolled, receivers=receivers) == 1

    async def test_ten_thousand_are_told_by_one_statement(self, session: Session, home: School) -> None:
        await session.execute(
            text(
                "INSERT INTO person (id, institution_id, display_name)"
                " SELECT gen_random_uuid(), :institution, 'Person ' || n FROM generate_series(1, 10000) n"
            ),
            {"institution": home.institution.id},
        )
        people = (await session.scalars(select(Person.id).where(Person.display_name.like("Person %")))).all()
        statements: list[str] = []
        connection = (await session.connection()).sync_connection
        assert connection is not None

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        assert await notify(session, actor=SYSTEM, notice=NOTICE, receivers=people) == 10_000
        event.remove(connection, "before_cursor_execute", note)
        assert len(statements) == 1

    async def test_it_leaves_an_entry_without_the_words(self, session: Session, home: School) -> None:
        await told(session, home)
        await session.finish()
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "notification.sent"))).one()
        assert entry.person_id == home.people["student0"].id
        assert entry.changes == {"kinds": ["grade"], "notified": 1}
        assert "result" not in json.dumps([entry.summary, entry.changes]).lower()

    @pytest.mark.parametrize("link", ["https://x.example", "//x.example", "/\\x.example", "here"])
    async def test_a_link_stays_here(self, session: Session, home: School, link: str) -> None:
        notice = Notice(NotificationKind.SYSTEM, "x", link=link)
        with pytest.raises(DBAPIError, match="link_is_local"):
            await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people["student0"].id])


class TestMarkRead:
    async def test_anonymous(self, session: Session, home: School) -> None:
        row = await told(session, home)
        with pytest.raises(AuthenticationRequiredError):
            await mark_read(session, actor=ANONYMOUS, notification_id=row.id)

    async def test_others_do_not_find_it(self, session: Session, home: School, away: School) -> None:
        row = await told(session, home)
        for actor in (home.actor("student1"), home.actor("administrator"), away.actor("student0")):
            async with as_actor(session, actor):
                with pytest.raises(NotificationNotFoundError):
                    await mark_read(session, actor=actor, notification_id=row.id)

    async def test_its_reader_may_and_take_it_back(self, session: Session, home: School) -> None:
        row = await told(session, home)
        student = home.actor("student0")
        async with as_actor(session, student):
            assert (await mark_read(session, actor=student, notification_id=row.id)).read_at is not None
            assert await count_unread(session, row.person_id) == 0
            assert (await mark_read(session, actor=student, notification_id=row.id, read=False)).read_at is None
            assert await count_unread(session, row.person_id) == 1

    async def test_nothing_else_of_it_can_be_changed(self, session: Session, home: School) -> None:
        await told(session, home)
        async with as_actor(session, home.actor("student0")):
            with pytest.raises(DBAPIError, match="permission denied"):
                async with session.begin_nested():
                    await session.execute(text("UPDATE notification SET title = 'mine'"))


class TestMarkAllRead:
    async def test_anonymous(self, session: Session) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await mark_all_read(session, actor=ANONYMOUS)

    async def test_only_ones_own_and_only_the_kind(self, session: Session, home: School) -> None:
        both = [home.people["student0"].id, home.people["student1"].id]
        for kind in (NotificationKind.GRADE, NotificationKind.EVENT):
            await notify(session, actor=SYSTEM, notice=Notice(kind, "Told"), receivers=both)
        student: Actor = home.actor("student0")
        async with as_actor(session, student):
            assert await mark_all_read(session, actor=student, kind=NotificationKind.GRADE) == 1
            assert await mark_all_read(session, actor=student) == 1
            assert await mark_all_read(session, actor=student) == 0
        assert await count_unread(session, both[1]) == 2


class TestPreferences:
    async def test_anonymous(self, session: Session) -> None:
        wanted = {NotificationKind.GRADE: Preference(False, EmailMode.OFF)}
        with pytest.raises(AuthenticationRequiredError):
            await set_preferences(session, actor=ANONYMOUS, wanted=wanted)

    async def test_one_chooses_for_oneself(self, session: Session, home: School) -> None:
        student = home.actor("student0")
        async with as_actor(session, student):
            wanted = {NotificationKind.EVENT: Preference(False, EmailMode.DAILY)}
            await set_preferences(session, actor=student, wanted=wanted)
            await set_preferences(session, actor=student, wanted={})
            mine = await preferences_of(session, home.people["student0"].id)
        assert [kind for kind, (in_bell, _) in mine.items() if not in_bell] == [NotificationKind.EVENT]
        assert mine[NotificationKind.EVENT] == (False, EmailMode.DAILY)
        assert mine[NotificationKind.GRADE] == (True, EmailMode.AT_ONCE)
        theirs = await preferences_of(session, home.people["student1"].id)
        assert all(in_bell for in_bell, _ in theirs.values())
