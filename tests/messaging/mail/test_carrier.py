"""Letters on their way: written with the fact, carried by a real conversation, and settled when it breaks."""

from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from academe.identity.models import Account
from academe.messaging.errors import QuietHoursError, TimeZoneNotKnownError
from academe.messaging.mail.carrier import Carrier, look_once
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import CaughtMail, MailMessage, UndeliverableAddress
from academe.messaging.notifications.digest import write_digests
from academe.messaging.notifications.models import Notification
from academe.messaging.notifications.service import Notice, Preference, notify, set_preferences, set_schedule
from academe.messaging.types import EmailMode, MailStatus, NotificationKind
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from academe.platform.settings import SmtpSecurity
from tests.messaging.mail.smtp_server import LOOPBACK, SmtpServer
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")
RETURN = "bounces@home.example"
NOTICE = Notice(NotificationKind.GRADE, "Your result is there", "MATH101\n\nAs <promised>.", "/my-progress", "result:1")


@pytest.fixture
def post(tmp_path: Path) -> Iterator[SmtpServer]:
    """A mail server with our own mailbox."""
    with SmtpServer(RETURN, tmp_path / "maildir") as running:
        yield running


CarrierTo = Callable[..., Carrier]


@pytest.fixture
async def carrier_to(database: JoinedDatabase, post: SmtpServer) -> AsyncIterator[CarrierTo]:
    """Makes carriers to the server, with settings as given; they hang up at the end."""
    made: list[Carrier] = []

    def make(**more: object) -> Carrier:
        settings = database.settings.model_copy(
            update={
                "smtp_host": LOOPBACK,
                "smtp_port": post.port,
                "smtp_security": SmtpSecurity.NONE,
                "mail_return_address": RETURN,
                "mail_return_folder": post.maildir,
                "mail_settle_seconds": 60,
                **more,
            }
        )
        database.settings = settings
        made.append(Carrier(database, LetterWriter(settings), settings))
        return made[-1]

    yield make
    for each in made:
        await each.hang_up()


@pytest.fixture
def carrier(carrier_to: CarrierTo) -> Carrier:
    """A carrier to the server, and our mailbox read."""
    return carrier_to()


async def tell(session: Session, home: School, *who: str, notice: Notice = NOTICE) -> None:
    await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people[each].id for each in who])


async def address(session: Session, home: School, who: str, email: str) -> None:
    await session.execute(update(Account).where(Account.id == home.accounts[who].id).values(email=email))


async def letters(session: Session) -> list[MailMessage]:
    anew = select(MailMessage).order_by(MailMessage.id).execution_options(populate_existing=True)
    return list(await session.scalars(anew))


class TestWriting:
    async def test_a_letter_is_written_with_the_notification(self, session: Session, home: School) -> None:
        await tell(session, home, "student0")
        await tell(session, home, "student0")
        (letter,) = await letters(session)
        assert (letter.status, letter.idempotency_key, letter.kind) == ("waiting", "result:1", NotificationKind.GRADE)
        assert letter.institution_id == home.institution.id

    async def test_not_for_a_kind_that_is_not_wanted(self, session: Session, home: School) -> None:
        student = home.actor("student0")
        wanted = {
            NotificationKind.GRADE: Preference(True, EmailMode.OFF),
            NotificationKind.ENROLMENT: Preference(False, EmailMode.OFF),
        }
        async with as_actor(session, student):
            await set_preferences(session, actor=student, wanted=wanted)
        await tell(session, home, "student0")
        await tell(session, home, "student0", notice=Notice(NotificationKind.ATTENDANCE, "Absent"))
        assert await letters(session) == []
        await tell(session, home, "student0", notice=Notice(NotificationKind.ENROLMENT, "You are enrolled"))
        assert len(await letters(session)) == 1

    async def test_by_e_mail_only(self, session: Session, home: School) -> None:
        student = home.actor("student0")
        async with as_actor(session, student):
            only = {NotificationKind.GRADE: Preference(False, EmailMode.AT_ONCE)}
            await set_preferences(session, actor=student, wanted=only)
        await tell(session, home, "student0")
        (row,) = await session.scalars(select(Notification))
        assert not row.in_bell
        assert len(await letters(session)) == 1

    @pytest.mark.parametrize(
        ("quiet", "moment", "leaves"),
        [
            ((22, 7), "2026-11-28T23:30:00+01:00", "2026-11-29T07:00:00+01:00"),
            ((22, 7), "2026-11-28T06:59:00+01:00", "2026-11-28T07:00:00+01:00"),
            ((22, 7), "2026-11-28T07:00:00+01:00", "2026-11-28T07:00:00+01:00"),
            ((9, 17), "2026-11-28T12:00:00+01:00", "2026-11-28T17:00:00+01:00"),
            ((9, 17), "2026-11-28T17:30:00+01:00", "2026-11-28T17:30:00+01:00"),
            # The night in which clocks go forward: seven o'clock is an hour sooner.
            ((22, 7), "2027-03-27T23:00:00+01:00", "2027-03-28T07:00:00+02:00"),
        ],
    )
    async def test_quiet_hours_in_ones_own_zone(
        self, session: Session, quiet: tuple[int, int], moment: str, leaves: str
    ) -> None:
        found = await session.scalar(
            text("SELECT end_of_quiet(:ready, 'Europe/Berlin', :starts, :ends)"),
            {"ready": datetime.fromisoformat(moment), "starts": time(quiet[0]), "ends": time(quiet[1])},
        )
        assert found == datetime.fromisoformat(leaves)

    async def test_a_letter_waits_for_the_end_of_quiet_hours(self, session: Session, home: School) -> None:
        student = home.actor("student0")
        now = clock.now()
        async with as_actor(session, student):
            await set_schedule(
                session,
                actor=student,
                time_zone="UTC",
                quiet_from=(now - timedelta(hours=1)).time().replace(microsecond=0),
                quiet_until=(now + timedelta(hours=1)).time().replace(microsecond=0),
                digest_at=time(7),
            )
        await tell(session, home, "student0", "student1")
        waits = {letter.person_id: letter.not_before for letter in await letters(session)}
        assert waits[home.people["student0"].id] > now + timedelta(minutes=50)
        assert waits[home.people["student1"].id] < now + timedelta(minutes=1)

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"time_zone": "Europe/Atlantis"}, "time_zone"),
            ({"quiet_from": time(1)}, "quiet_until"),
            ({"quiet_from": time(1), "quiet_until": time(1)}, "quiet_until"),
        ],
    )
    async def test_times_are_checked(
        self, session: Session, home: School, changed: dict[str, object], field: str
    ) -> None:
        student = home.actor("student0")
        given = {"time_zone": "UTC", "quiet_from": None, "quiet_until": None, "digest_at": time(7)} | changed
        async with as_actor(session, student):
            with pytest.raises((TimeZoneNotKnownError, QuietHoursError)) as caught:
                await set_schedule(session, actor=student, **given)  # type: ignore[arg-type]  # of many types
        assert caught.value.errors[0].field == field


class TestDigest:
    async def test_one_letter_a_day_with_everything_in_it(
        self, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        student = home.actor("student0")
        async with as_actor(session, student):
            daily = {NotificationKind.GRADE: Preference(True, EmailMode.DAILY)}
            await set_preferences(session, actor=student, wanted=daily)
            await set_schedule(
                session, actor=student, time_zone="UTC", quiet_from=None, quiet_until=None, digest_at=time(0)
            )
        for number in range(3):
            await tell(session, home, "student0", notice=Notice(NotificationKind.GRADE, f"Result {number}"))
        await write_digests(database)
        await tell(session, home, "student0", notice=Notice(NotificationKind.GRADE, "Later"))
        await write_digests(database)
        (letter,) = await letters(session)
        assert letter.content["total"] == 3
        assert [item["title"] for item in letter.content["items"]] == ["Result 0", "Result 1", "Result 2"]
        waiting = await session.scalars(select(Notification.title).where(Notification.digest_due))
        assert waiting.all() == ["Later"]
        written = LetterWriter(database.settings)._letter(letter.template, letter.content, "")
        assert written.subject == "3 things that concern you"

    async def test_not_before_its_hour(self, session: Session, home: School, database: JoinedDatabase) -> None:
        student = home.actor("student0")
        async with as_actor(session, student):
            daily = {NotificationKind.GRADE: Preference(True, EmailMode.DAILY)}
            await set_preferences(session, actor=student, wanted=daily)
            await set_schedule(
                session, actor=student, time_zone="UTC", quiet_from=None, quiet_until=None, digest_at=time(23, 59, 59)
            )
        await tell(session, home, "student0")
        await write_digests(database)
        assert await letters(session) == []


class TestCarrying:
    async def test_it_arrives_once_as_text_and_html_with_a_way_out(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        await tell(session, home, "student0")
        assert await carrier.carry_some() == 1
        assert await carrier.carry_some() == 0
        (delivery,) = post.deliveries
        assert delivery.sender == RETURN
        assert delivery.receivers == ("student0@home.example", RETURN)
        message = delivery.message
        assert message["Subject"] == "Your result is there"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "/unsubscribe/" in message["List-Unsubscribe"]
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None
        assert html is not None
        assert "As <promised>." in plain.get_content()
        assert "As &lt;promised&gt;." in html.get_content()
        assert "/my-progress" in plain.get_content()
        (letter,) = await letters(session)
        assert (letter.status, letter.reply_code, letter.address) == (MailStatus.SENT, 250, "student0@home.example")
        assert message["Message-ID"].startswith(f"<{letter.token}@")

    async def test_what_is_owed_cannot_be_stopped(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        await tell(session, home, "student0", notice=Notice(NotificationKind.ENROLMENT, "You are enrolled"))
        await carrier.carry_some()
        message = post.deliveries[0].message
        assert message["List-Unsubscribe"] is None
        assert "/unsubscribe/" not in post.deliveries[0].source.decode()

    async def test_dots_and_long_lines_and_other_letters_survive(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        body = "\n".join([".", "..", ".a line", "é" * 1500, "x" * 1500])
        await tell(session, home, "student0", notice=Notice(NotificationKind.GRADE, "Grüße\n an dich", body))
        await carrier.carry_some()
        message = post.deliveries[0].message
        assert message["Subject"] == "Grüße an dich"
        plain = message.get_body(("plain",))
        assert plain is not None
        for line in body.splitlines():
            assert line in plain.get_content().splitlines()
        assert max(len(line) for line in post.deliveries[0].source.split(b"\r\n")) <= 998

    async def test_refused_for_good_marks_the_address(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        await address(session, home, "student0", "Gone@home.example".lower())
        await tell(session, home, "student0")
        await carrier.carry_some()
        (letter,) = await letters(session)
        assert (letter.status, letter.reply_code) == (MailStatus.FAILED, 550)
        (bad,) = await session.scalars(select(UndeliverableAddress))
        assert (bad.address, bad.reply) == ("gone@home.example", "550 5.1.1 no such mailbox")
        await tell(session, home, "student0", notice=Notice(NotificationKind.GRADE, "Another"))
        await carrier.carry_some()
        assert [each.status for each in await letters(session)] == [MailStatus.FAILED, MailStatus.SUPPRESSED]
        assert post.deliveries == []

    async def test_refused_after_the_dot_is_no_doubt(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        await address(session, home, "student0", "full@home.example")
        await tell(session, home, "student0")
        await carrier.carry_some()
        (letter,) = await letters(session)
        assert (letter.status, letter.reply_code) == (MailStatus.FAILED, 552)
        assert (await session.scalars(select(UndeliverableAddress))).all() == []

    async def test_refused_for_the_moment_is_tried_later(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer
    ) -> None:
        await address(session, home, "student0", "busy@home.example")
        await tell(session, home, "student0")
        await carrier.carry_some()
        (letter,) = await letters(session)
        assert (letter.status, letter.reply_code) == (MailStatus.WAITING, 451)
        assert letter.not_before > clock.now() + timedelta(seconds=50)
        await session.execute(update(MailMessage).values(not_before=datetime(2020, 1, 1, tzinfo=UTC)))
        await carrier.carry_some()
        assert len(post.to("busy@home.example")) == 1

    async def test_no_server_is_waited_for_and_given_up_in_the_end(
        self, session: Session, home: School, carrier_to: CarrierTo
    ) -> None:
        nowhere = carrier_to(smtp_port=1)
        await tell(session, home, "student0")
        await nowhere.carry_some()
        (letter,) = await letters(session)
        assert letter.status is MailStatus.WAITING
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        await session.execute(update(MailMessage).values(not_before=long_ago, created_at=long_ago))
        await nowhere.carry_some()
        assert [each.status for each in await letters(session)] == [MailStatus.FAILED]

    async def test_the_rate_is_bounded(self, session: Session, home: School, carrier_to: CarrierTo) -> None:
        slow = carrier_to(mail_per_minute=2)
        await tell(session, home, "student0", "student1", "student2")
        assert [await slow.carry_some(), await slow.carry_some()] == [2, 0]
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        await session.execute(
            update(MailMessage).where(MailMessage.handed_over_at.is_not(None)).values(handed_over_at=long_ago)
        )
        assert await slow.carry_some() == 1

    async def test_without_a_server_it_is_caught(self, session: Session, home: School, carrier_to: CarrierTo) -> None:
        catching = carrier_to(smtp_host="")
        await tell(session, home, "student0")
        await catching.carry_some()
        (caught,) = await session.scalars(select(CaughtMail))
        assert (caught.receiver, caught.subject) == ("student0@home.example", "Your result is there")
        assert [each.status for each in await letters(session)] == [MailStatus.SENT]


class TestDoubt:
    async def test_the_copy_says_that_it_arrived(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer, database: JoinedDatabase
    ) -> None:
        await address(session, home, "student0", "silent@home.example")
        await tell(session, home, "student0")
        await carrier.carry_some()
        (letter,) = await letters(session)
        assert letter.status is MailStatus.UNKNOWN
        await settled(database, carrier)
        (letter,) = await letters(session)
        assert letter.status is MailStatus.SENT
        assert await carrier.carry_some() == 0
        assert len(post.to("silent@home.example")) == 1

    async def test_without_a_copy_it_did_not_and_is_sent(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer, database: JoinedDatabase
    ) -> None:
        await tell(session, home, "student0")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        left = {"status": MailStatus.HANDING_OVER, "lease_until": long_ago, "has_copy": True}
        await session.execute(update(MailMessage).values(**left))
        await look_once(database, carrier.writer)
        (letter,) = await letters(session)
        assert letter.status is MailStatus.UNKNOWN
        assert await carrier.carry_some() == 0
        await session.execute(update(MailMessage).values(settle_at=long_ago))
        await look_once(database, carrier.writer)
        assert await carrier.carry_some() == 1
        assert len(post.deliveries) == 1

    async def test_without_a_mailbox_a_person_decides(
        self, session: Session, home: School, database: JoinedDatabase, carrier_to: CarrierTo
    ) -> None:
        blind = carrier_to(mail_return_folder=None, mail_return_address="")
        await tell(session, home, "student0")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        await session.execute(update(MailMessage).values(status=MailStatus.UNKNOWN, settle_at=long_ago))
        await look_once(database, blind.writer)
        assert [each.status for each in await letters(session)] == [MailStatus.UNKNOWN]

    async def test_a_claimed_letter_of_a_dead_worker_is_sent_by_another(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer, database: JoinedDatabase
    ) -> None:
        await tell(session, home, "student0")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        await session.execute(update(MailMessage).values(status=MailStatus.CLAIMED, lease_until=long_ago))
        assert await carrier.carry_some() == 0
        await look_once(database, carrier.writer)
        assert await carrier.carry_some() == 1
        assert len(post.deliveries) == 1

    async def test_a_worker_whose_lease_has_ended_does_not_say_the_dot(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer, database: JoinedDatabase
    ) -> None:
        await tell(session, home, "student0")
        carrier.lease_seconds = 0
        await carrier.carry_some()
        assert post.deliveries == []
        assert [each.status for each in await letters(session)] == [MailStatus.CLAIMED]

    async def test_a_bounce_marks_the_address(
        self, session: Session, home: School, carrier: Carrier, post: SmtpServer, database: JoinedDatabase
    ) -> None:
        await tell(session, home, "student0")
        await carrier.carry_some()
        (letter,) = await letters(session)
        assert post.maildir is not None
        report = REPORT.replace("TOKEN", carrier.writer.message_id(letter.token)).replace("\n", "\r\n")
        (post.maildir / "new" / "1.report").write_text(report)
        (post.maildir / "new" / "2.chatter").write_text("Subject: Out of office\r\n\r\nBack on Monday.\r\n")
        await look_once(database, carrier.writer)
        (letter,) = await letters(session)
        assert letter.bounced_at is not None
        (bad,) = await session.scalars(select(UndeliverableAddress))
        assert bad.address == "student0@home.example"
        assert bad.reply.startswith("5.1.1")
        assert not (post.maildir / "new" / "1.report").exists()


async def settled(database: JoinedDatabase, carrier: Carrier) -> None:
    """Our mailbox once the copy has come, which takes a moment, and been read."""
    folder = database.settings.mail_return_folder
    assert folder is not None
    for _ in range(100):
        if any((folder / "new").iterdir()):
            break
        await sleep(0.05)
    await look_once(database, carrier.writer)


# The form of RFC 3464, as a server sends it.
REPORT = """\
From: MAILER-DAEMON@home.example
To: bounces@home.example
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary="here"

--here
Content-Type: text/plain

It could not be delivered.
--here
Content-Type: message/delivery-status

Reporting-MTA: dns; home.example

Final-Recipient: rfc822; student0@home.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such mailbox
--here
Content-Type: text/rfc822-headers

Message-ID: TOKEN
Subject: Your result is there
--here--
"""
