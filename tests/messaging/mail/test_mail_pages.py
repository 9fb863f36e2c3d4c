"""Pages and JSON of mail: who looks after it, what they may decide, and the way out for readers."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, update

from academe.identity.models import Person, RoleGrant
from academe.identity.queries import role_scopes
from academe.identity.types import Role
from academe.messaging.mail.carrier import Carrier
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import MailMessage, UndeliverableAddress
from academe.messaging.mail.unsubscribing import DAILY, UnsubscribeSigner, Unsubscribing
from academe.messaging.notifications.queries import preferences_of
from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import EmailMode, MailStatus, NotificationKind
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.schools import GRANTED_ON, School, actor_of_person
from tests.support.client import ClientOf
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

API = "/api/v1/mail"
SYSTEM = system_actor("test")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
HREF = re.compile(r'href="(/mail/[0-9a-f-]{36})"')


@pytest.fixture
async def operator(session: Session, home: School) -> Actor:
    """An operator of the whole first school."""
    async with as_actor(session, SYSTEM):
        person = Person(institution_id=home.institution.id, display_name="Operator of home", sourced_id="operator")
        session.add(person)
        await session.flush()
        grant = RoleGrant(person_id=person.id, org_unit_id=home.institution.id, role=Role.OPERATOR)
        grant.starts_on = GRANTED_ON
        session.add(grant)
        await session.flush()
        return actor_of_person(person, await role_scopes(session, person.id))


async def caught(session: Session, home: School, database: JoinedDatabase) -> None:
    """A letter of each kind of link, caught."""
    notice = Notice(NotificationKind.GRADE, "Your result & more", "<script>alert(1)</script>", "/my-progress")
    await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people["student0"].id])
    await Carrier(database, LetterWriter(database.settings), database.settings).carry_some()


async def in_trouble(session: Session, home: School, status: MailStatus) -> UUID:
    """A letter that waits for a decision."""
    notice = Notice(NotificationKind.GRADE, "Your result")
    await notify(session, actor=SYSTEM, notice=notice, receivers=[home.people["student0"].id])
    settle_at = LONG_AGO if status is MailStatus.UNKNOWN else None
    values = {"status": status, "settle_at": settle_at, "address": "student0@home.example", "reply": "550 no"}
    waiting = update(MailMessage).where(MailMessage.status == MailStatus.WAITING)
    found = await session.execute(waiting.values(**values).returning(MailMessage.id))
    mail_id: UUID = found.scalar_one()
    return mail_id


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf) -> None:
        for address in ("/mail", "/mail/trouble", f"/mail/{new_id()}", f"/mail/{new_id()}/html"):
            assert (await client_of().get(address)).status_code == 303
        assert (await client_of().get(f"{API}/trouble")).status_code == 401

    async def test_others_may_not(self, client_of: ClientOf, session: Session, home: School) -> None:
        mail_id = await in_trouble(session, home, MailStatus.FAILED)
        for who in ("student0", "lecturer", "registrar", "faculty_administrator", "auditor"):
            client = client_of(home.actor(who))
            for address in ("/mail", "/mail/trouble", f"/mail/{new_id()}", f"{API}/trouble"):
                assert (await client.get(address)).status_code == 403, (who, address)
            for verb in ("send-again", "arrived"):
                assert (await client.post(f"/mail/{mail_id}/{verb}")).status_code == 403
                assert (await client.post(f"{API}/{mail_id}/{verb}")).status_code == 403

    async def test_the_next_school_does_not_know_of_it(
        self, client_of: ClientOf, session: Session, home: School, away: School, database: JoinedDatabase
    ) -> None:
        await caught(session, home, database)
        href = HREF.findall((await client_of(home.actor("administrator")).get("/mail")).text)[0]
        mail_id = await in_trouble(session, home, MailStatus.FAILED)
        client = client_of(away.actor("administrator"))
        assert "Your result" not in (await client.get("/mail")).text
        assert (await client.get(f"{API}/trouble")).json()["items"] == []
        assert (await client.get(href)).status_code == 404
        assert (await client.get(f"{href}/html")).status_code == 404
        assert (await client.post(f"{API}/{mail_id}/send-again")).status_code == 404

    async def test_operators_do_not_see_whom_a_letter_is_for(
        self, client_of: ClientOf, session: Session, home: School, operator: Actor
    ) -> None:
        await in_trouble(session, home, MailStatus.FAILED)
        for actor, shown in ((operator, False), (home.actor("administrator"), True)):
            client = client_of(actor)
            assert ("student0@home.example" in (await client.get("/mail/trouble")).text) == shown
            (letter,) = (await client.get(f"{API}/trouble")).json()["items"]
            assert (letter["address"] is not None) == shown


class TestCaught:
    async def test_it_is_shown_as_text_and_in_a_frame_that_may_do_nothing(
        self, client_of: ClientOf, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        await caught(session, home, database)
        client = client_of(home.actor("administrator"))
        page = (await client.get("/mail")).text
        assert "Your result &amp; more" in page
        assert "No mail server is configured" in page
        (href,) = HREF.findall(page)
        letter = (await client.get(href)).text
        assert 'sandbox="allow-popups' in letter
        assert "&lt;script&gt;" in letter
        html = await client.get(f"{href}/html")
        assert "<script>" not in html.text
        policy = html.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert html.headers["x-frame-options"] == "SAMEORIGIN"
        entries = await session.scalars(select(AuditEntry.person_id).where(AuditEntry.action == "caught_mail.read"))
        assert set(entries) == {home.people["student0"].id}


class TestTrouble:
    async def test_a_letter_is_sent_again(self, client_of: ClientOf, session: Session, home: School) -> None:
        mail_id = await in_trouble(session, home, MailStatus.FAILED)
        client = client_of(home.actor("administrator"))
        assert "Refused" in (await client.get("/mail/trouble")).text
        assert "Everything arrives" not in (await client.get("/mail/trouble?status=failed")).text
        assert "Nothing matches" in (await client.get("/mail/trouble?status=unknown")).text
        done = await client.post(f"/mail/{mail_id}/send-again")
        assert (done.status_code, done.headers["location"]) == (303, "/mail/trouble")
        assert (await session.scalar(select(MailMessage.status))) == MailStatus.WAITING
        assert (await client.post(f"{API}/{mail_id}/send-again")).status_code == 409
        actions = await session.scalars(select(AuditEntry.action))
        assert "mail.sent_again" in actions.all()

    async def test_a_doubt_is_settled(self, client_of: ClientOf, session: Session, home: School) -> None:
        mail_id = await in_trouble(session, home, MailStatus.UNKNOWN)
        client = client_of(home.actor("administrator"))
        assert (await client.post(f"{API}/{mail_id}/arrived")).status_code == 204
        assert (await session.scalar(select(MailMessage.status))) == MailStatus.SENT

    async def test_what_was_refused_did_not_arrive(self, client_of: ClientOf, session: Session, home: School) -> None:
        mail_id = await in_trouble(session, home, MailStatus.FAILED)
        client = client_of(home.actor("administrator"))
        assert (await client.post(f"{API}/{mail_id}/arrived")).status_code == 409

    async def test_an_address_is_forgiven(
        self, client_of: ClientOf, session: Session, home: School, away: School
    ) -> None:
        institution = home.institution.id
        session.add(UndeliverableAddress(institution_id=institution, address="gone@home.example", reply="550"))
        await session.flush()
        body = {"institution_id": str(institution), "address": "Gone@home.example"}
        stranger = client_of(away.actor("administrator"))
        assert (await stranger.post(f"{API}/addresses/forgive", json=body)).status_code == 404
        client = client_of(home.actor("administrator"))
        assert "gone@home.example" in (await client.get("/mail/trouble")).text
        assert (await client.post("/mail/addresses/forgive", data=body)).status_code == 303
        assert (await client.post("/mail/addresses/forgive", data={"address": "x"})).status_code == 404
        assert (await client.post(f"{API}/addresses/forgive", json=body)).status_code == 404


class TestUnsubscribe:
    def link(self, database: JoinedDatabase, home: School, what: str) -> str:
        signer = UnsubscribeSigner(database.settings.signing_key)
        return f"/unsubscribe/{signer.seal(Unsubscribing(home.people['student0'].id, what))}"

    async def test_a_forged_link_is_not_found(
        self, client_of: ClientOf, database: JoinedDatabase, home: School
    ) -> None:
        link = self.link(database, home, "grade")
        for wrong in (link[:-2] + "xx", "/unsubscribe/x", "/unsubscribe/" + "é" * 9):
            assert (await client_of().get(wrong)).status_code == 404
            assert (await client_of().post(wrong)).status_code == 404

    async def test_looking_changes_nothing_and_one_click_does(
        self, client_of: ClientOf, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        link, person = self.link(database, home, "grade"), home.people["student0"].id
        assert "Stop these letters" in (await client_of().get(link)).text
        assert (await preferences_of(session, person))[NotificationKind.GRADE][1] is EmailMode.AT_ONCE
        # As a mail program sends it: no cookie, no origin (RFC 8058, 3.2).
        done = await client_of().post(link, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert (await preferences_of(session, person))[NotificationKind.GRADE] == (True, EmailMode.OFF)

    async def test_daily_letters(
        self, client_of: ClientOf, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        await client_of().post(self.link(database, home, DAILY))
        mine = await preferences_of(session, home.people["student0"].id)
        assert mine[NotificationKind.RISK][1] is EmailMode.OFF
        assert mine[NotificationKind.GRADE][1] is EmailMode.AT_ONCE

    async def test_what_is_owed_stays(
        self, client_of: ClientOf, session: Session, home: School, database: JoinedDatabase
    ) -> None:
        page = await client_of().post(self.link(database, home, "enrolment"))
        assert "cannot be stopped" in page.text
        mine = await preferences_of(session, home.people["student0"].id)
        assert mine[NotificationKind.ENROLMENT][1] is EmailMode.AT_ONCE
