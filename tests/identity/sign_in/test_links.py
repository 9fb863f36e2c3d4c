"""Signing in by e-mail, from the form to the letter and back, and everything that a link must not do."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from statistics import median
from time import process_time

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update

from academe.identity.errors import LinkNotValidError
from academe.identity.models import Account, AccountSession
from academe.identity.second_factor.totp import code_at, step_of
from academe.identity.sign_in.links import LIFETIME, MOST_OPEN, LinkSigner, ask_for_link, holder_of
from academe.identity.sign_in.models import SignInLink, TotpFactor, UnfinishedSignIn
from academe.identity.sign_in.unfinished import begin_second_step
from academe.messaging.mail.carrier import Carrier
from academe.messaging.mail.letters import LetterWriter
from academe.messaging.mail.models import CaughtMail, MailMessage
from academe.messaging.notifications.models import Notification
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from academe.platform.outbox.delivery import deliver
from academe.platform.outbox.models import OutboxMessage
from academe.worker import JOBS
from tests.identity.conftest import PASSWORD, SignIn, browser_of
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

assert JOBS  # the worker is imported: its receivers are known
NEW = "five new and quiet words"
LETTER = re.compile(r"http://127\.0\.0\.1:8000(/sign-in/link/[A-Za-z0-9_-]{64})\s")

Linked = Callable[[str], Awaitable[str]]


async def work(database: JoinedDatabase, session: Session) -> None:
    """What the worker does: hand facts out, and carry letters to the catcher."""
    async with as_actor(session, system_actor("test")):
        waiting = (await session.scalars(select(OutboxMessage.id).where(OutboxMessage.delivered_at.is_(None)))).all()
    for message_id in waiting:
        await deliver(database, message_id)
    await Carrier(database, LetterWriter(database.settings), database.settings).carry_some()


async def caught(session: Session) -> list[str]:
    """The texts of the letters that were sent, oldest first."""
    async with as_actor(session, system_actor("test")):
        sources = (await session.scalars(select(CaughtMail.source).order_by(CaughtMail.id))).all()
    texts = []
    for source in sources:
        plain = message_from_bytes(source, policy=default).get_body(("plain",))
        assert plain is not None
        texts.append(plain.get_content())
    return texts


async def close(session: Session, home: School, who: str) -> None:
    """Let nobody sign in to an account."""
    async with as_actor(session, system_actor("test")):
        closed = update(Account).where(Account.id == home.accounts[who].id).values(is_active=False)
        await session.execute(closed)


async def count_of(session: Session, table: type[SignInLink | MailMessage | UnfinishedSignIn]) -> int:
    async with as_actor(session, system_actor("test")):
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


@pytest.fixture
def linked(database: JoinedDatabase, session: Session, home: School, browser: httpx.AsyncClient) -> Linked:
    """`await linked("lecturer")` asks for a letter and gives the path of its link."""

    async def ask(who: str) -> str:
        answer = await browser.post("/sign-in/link", data={"email": home.accounts[who].email.upper()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/link/asked")
        await work(database, session)
        found = LETTER.search((await caught(session))[-1])
        assert found is not None
        return found[1]

    return ask


class TestAsking:
    async def test_the_form(self, browser: httpx.AsyncClient) -> None:
        assert 'value="a@b.example"' in (await browser.get("/sign-in/link?email=a%40b.example")).text
        assert "/sign-in/link" in (await browser.get("/sign-in")).text
        for wrong in ("", "nobody", "x" * 260 + "@a.example"):
            assert (await browser.post("/sign-in/link", data={"email": wrong})).status_code == 422

    async def test_whoever_has_the_address_gets_a_letter(self, session: Session, home: School, linked: Linked) -> None:
        path = await linked("lecturer")
        (text,) = await caught(session)
        assert "twenty minutes" in text
        assert "unsubscribe" not in text
        assert "preferences" not in text
        async with as_actor(session, system_actor("test")):
            (letter,) = (await session.scalars(select(MailMessage))).all()
            assert letter.person_id == home.people["lecturer"].id
            rows = await session.scalars(select(AuditEntry.action).where(AuditEntry.action == "account.link_sent"))
            assert rows.all() == ["account.link_sent"]
            # Nothing that is kept opens the account.
            messages = (await session.scalars(select(OutboxMessage.payload))).all()
        token = path.rpartition("/")[2]
        assert token not in str(letter.content) + letter.token + letter.idempotency_key + str(messages)

    async def test_nobody_learns_whether_an_address_is_known(
        self, database: JoinedDatabase, session: Session, home: School, browser: httpx.AsyncClient
    ) -> None:
        answers = []
        await close(session, home, "advisor")
        for email in ("lecturer@home.example", "nobody@home.example", "advisor@home.example"):
            answer = await browser.post("/sign-in/link", data={"email": email})
            answers.append((answer.status_code, answer.headers["location"], answer.text))
        assert len(set(answers)) == 1
        assert await count_of(session, SignInLink) == 3
        await work(database, session)
        assert len(await caught(session)) == 1

    @pytest.mark.slow
    async def test_asking_takes_as_long_for_an_unknown_address(self, database: JoinedDatabase, home: School) -> None:
        """The processor's time; the letter is not part of it."""

        async def spent(email: str) -> float:
            times = []
            for _ in range(60):
                begin = process_time()
                await ask_for_link(database, email=email)
                times.append(process_time() - begin)
            return median(times)

        await spent("warm@home.example")
        known, unknown = await spent(home.accounts["lecturer"].email), await spent("nobody@home.example")
        assert unknown == pytest.approx(known, rel=0.35)

    async def test_few_letters_for_one_account(
        self, database: JoinedDatabase, session: Session, linked: Linked
    ) -> None:
        for _ in range(MOST_OPEN + 2):
            await linked("lecturer")
        assert len(await caught(session)) == MOST_OPEN
        with clock.frozen(clock.now() + LIFETIME + timedelta(seconds=1)):
            await linked("lecturer")
            assert await count_of(session, SignInLink) == 1
        assert len(await caught(session)) == MOST_OPEN + 1

    async def test_one_network_asks_ten_times_a_minute(self, browser: httpx.AsyncClient) -> None:
        codes = [
            (await browser.post("/sign-in/link", data={"email": f"{n}@home.example"})).status_code for n in range(12)
        ]
        assert codes == [303] * 10 + [429] * 2

    async def test_a_link_that_is_over_is_not_sent(
        self, database: JoinedDatabase, session: Session, home: School
    ) -> None:
        await ask_for_link(database, email=home.accounts["lecturer"].email)
        with clock.frozen(clock.now() + LIFETIME + timedelta(seconds=1)):
            await work(database, session)
        assert await count_of(session, MailMessage) == 0


class TestSigningIn:
    async def test_looking_at_a_link_does_not_use_it_up(
        self, app: FastAPI, session: Session, home: School, linked: Linked
    ) -> None:
        path = await linked("lecturer")
        async with browser_of(app) as scanner, browser_of(app) as browser:
            for method in ("GET", "GET", "HEAD"):
                await scanner.request(method, path)
            page = await browser.get(path)
            assert home.accounts["lecturer"].email in page.text
            assert page.headers["cache-control"] == "no-store"
            assert "academe_session" not in scanner.cookies
            answer = await browser.post(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
            assert (await browser.get("/account")).status_code == 200
        async with browser_of(app) as second:
            answer = await second.post(path)
            assert answer.status_code == 404
            assert "not valid any more" in answer.text
            assert "academe_session" not in second.cookies
        summaries = await session.scalars(select(AuditEntry.summary).where(AuditEntry.action == "account.signed_in"))
        assert summaries.all() == ["Signed in with a link by e-mail"]

    async def test_another_site_cannot_press_the_button(self, app: FastAPI, linked: Linked) -> None:
        path = await linked("lecturer")
        async with browser_of(app) as browser:
            answer = await browser.post(path, headers={"Sec-Fetch-Site": "cross-site"})
            assert answer.status_code == 403

    async def test_too_late(self, app: FastAPI, linked: Linked) -> None:
        path = await linked("lecturer")
        with clock.frozen(clock.now() + LIFETIME + timedelta(seconds=1)):
            async with browser_of(app) as browser:
                assert (await browser.get(path)).status_code == 404
                assert (await browser.post(path)).status_code == 404
                form = {"new_password": NEW, "repeated_password": NEW}
                assert (await browser.post(f"{path}/password", data=form)).status_code == 404

    async def test_a_link_of_a_closed_account(
        self, app: FastAPI, session: Session, home: School, linked: Linked
    ) -> None:
        path = await linked("lecturer")
        await close(session, home, "lecturer")
        async with browser_of(app) as browser:
            assert (await browser.post(path)).status_code == 404

    async def test_links_of_others_make(self, app: FastAPI, database: JoinedDatabase, linked: Linked) -> None:
        path = await linked("lecturer")
        forged = LinkSigner(b"another key").seal(LinkSigner(database.settings.signing_key).open(path[-64:]))
        async with browser_of(app) as browser:
            for token in (forged, "x", "ä" * 64, "A" * 64, f"{path[-64:-1]}{'A' if path[-1] != 'A' else 'B'}"):
                assert (await browser.post(f"/sign-in/link/{token}")).status_code == 404, token
        with pytest.raises(LinkNotValidError):
            await holder_of(database, new_id())

    async def test_the_second_factor_is_still_asked_for(
        self, app: FastAPI, session: Session, home: School, linked: Linked
    ) -> None:
        account = home.accounts["lecturer"].id
        secret = "JBSWY3DPEHPK3PXP"
        async with as_actor(session, system_actor("test")):
            session.add(TotpFactor(account_id=account, secret=secret, confirmed_at=clock.now(), last_step=0))
            await session.flush()
        for ending, form in (("", {}), ("/password", {"new_password": NEW, "repeated_password": NEW})):
            path = await linked("lecturer")
            async with browser_of(app) as browser:
                answer = await browser.post(f"{path}{ending}", data=form)
                assert answer.headers["location"] == "/sign-in/code"
                assert (await browser.get("/account")).status_code == 303
        async with browser_of(app) as browser:
            answer = await browser.post(await linked("lecturer"))
            answer = await browser.post("/sign-in/code", data={"code": code_at(secret, step_of(clock.now()))})
            assert answer.status_code == 303
            assert (await browser.get("/account")).status_code == 200
        summaries = await session.scalars(select(AuditEntry.summary).where(AuditEntry.action == "account.signed_in"))
        assert summaries.all() == ["Signed in with a link by e-mail and authenticator app"]


class TestNewPassword:
    async def test_it_ends_what_the_old_one_opened(
        self, app: FastAPI, database: JoinedDatabase, session: Session, home: School, sign_in_as: SignIn, linked: Linked
    ) -> None:
        elsewhere = await sign_in_as(home, "lecturer")
        spare, path = await linked("lecturer"), await linked("lecturer")
        async with as_actor(session, system_actor("test")):
            await begin_second_step(session, home.accounts["lecturer"].id)
        async with browser_of(app) as browser:
            answer = await browser.post(f"{path}/password", data={"new_password": NEW, "repeated_password": NEW})
            assert answer.status_code == 303
            assert (await browser.get("/account")).status_code == 200
            assert (await browser.post(spare)).status_code == 404
        assert (await elsewhere.get("/account")).status_code == 303
        assert await count_of(session, UnfinishedSignIn) == 0
        async with browser_of(app) as browser:
            for password, status in ((PASSWORD, 422), (NEW, 303)):
                form = {"email": home.accounts["lecturer"].email, "password": password}
                assert (await browser.post("/sign-in", data=form)).status_code == status
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.action == "account.password_reset"))
        assert len(actions.all()) == 1
        await work(database, session)
        async with as_actor(session, system_actor("test")):
            own = Notification.person_id == home.people["lecturer"].id
            titles = (await session.scalars(select(Notification.title).where(own))).all()
        assert titles == ["The password of your account was set anew by a link that came by e-mail"]

    async def test_a_password_that_is_refused_leaves_the_link(self, app: FastAPI, linked: Linked) -> None:
        path = await linked("lecturer")
        async with browser_of(app) as browser:
            for form in (
                {},
                {"new_password": "short", "repeated_password": "short"},
                {"new_password": NEW, "repeated_password": f"{NEW}!"},
                {"new_password": "lecturer@home.example", "repeated_password": "lecturer@home.example"},
            ):
                assert (await browser.post(f"{path}/password", data=form)).status_code == 422
            form = {"new_password": NEW, "repeated_password": NEW}
            assert (await browser.post(f"{path}/password", data=form)).status_code == 303

    async def test_whoever_had_none_gets_one(
        self, app: FastAPI, session: Session, home: School, linked: Linked
    ) -> None:
        assert home.accounts["student0"].password_hash is None
        path = await linked("student0")
        async with browser_of(app) as browser:
            form = {"new_password": NEW, "repeated_password": NEW}
            assert (await browser.post(f"{path}/password", data=form)).status_code == 303
        async with as_actor(session, system_actor("test")):
            open_ones = select(AccountSession).where(AccountSession.account_id == home.accounts["student0"].id)
            assert len((await session.scalars(open_ones)).all()) == 1

    async def test_a_changed_password_ends_links_too(
        self, app: FastAPI, database: JoinedDatabase, session: Session, home: School, sign_in_as: SignIn, linked: Linked
    ) -> None:
        browser, path = await sign_in_as(home, "lecturer"), await linked("lecturer")
        form = {"present_password": PASSWORD, "new_password": NEW, "repeated_password": NEW}
        assert (await browser.post("/account/password", data=form)).status_code == 303
        async with browser_of(app) as other:
            assert (await other.post(path)).status_code == 404
        await work(database, session)
        async with as_actor(session, system_actor("test")):
            assert (await session.scalars(select(Notification.title))).all() == [
                "The password of your account was changed"
            ]
