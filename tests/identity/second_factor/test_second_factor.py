"""The second factor as a browser meets it, and what it must not allow."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from academe.identity.errors import FactorStateError, SignInExpiredError, TooManyAttemptsError, WrongCodeError
from academe.identity.facts import SignInChanged
from academe.identity.models import Account, AccountSession
from academe.identity.second_factor.service import finish_sign_in, remove_factors_of
from academe.identity.second_factor.totp import code_at, step_of
from academe.identity.sign_in.models import RecoveryCode, TotpFactor, UnfinishedSignIn
from academe.identity.sign_in.service import sign_in
from academe.identity.sign_in.sessions import OpenedSession
from academe.identity.sign_in.throttle import AttemptThrottle
from academe.identity.sign_in.unfinished import LIFETIME, MOST_FAILURES, SecondStep
from academe.messaging.notices import tell_sign_in_changed
from academe.messaging.notifications.models import Notification
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.outbox.models import OutboxMessage
from academe.platform.outbox.service import fact_from
from tests.identity.conftest import PASSWORD, SignIn, browser_of, give_password
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

LATER = timedelta(seconds=60)


async def factor_of(session: Session, school: School, who: str) -> TotpFactor:
    account_id = school.accounts[who].id
    return await session.get_one(TotpFactor, account_id, populate_existing=True)


def present_code(factor: TotpFactor) -> str:
    return code_at(factor.secret, step_of(clock.now()))


async def set_up(browser: httpx.AsyncClient, session: Session, school: School, who: str) -> list[str]:
    """Set an app up through the pages; returns the recovery codes that were shown."""
    assert (await browser.post("/account/security/app")).status_code == 303
    code = present_code(await factor_of(session, school, who))
    answer = await browser.post("/account/security/app/confirm", data={"code": f"{code[:3]} {code[3:]}"})
    assert answer.status_code == 200, answer.text
    return [part.split("</code>")[0] for part in answer.text.split("<li><code>")[1:]]


async def with_password(app: FastAPI, school: School, who: str) -> httpx.AsyncClient:
    """A browser that has shown the right password."""
    browser = browser_of(app)
    answer = await browser.post("/sign-in", data={"email": school.accounts[who].email, "password": PASSWORD})
    assert urlsplit(answer.headers["location"]).path == "/sign-in/code"
    return browser


class TestSetUp:
    async def test_anonymous_is_asked_to_sign_in(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/account/security")).headers["location"] == "/sign-in?next=/account/security"
        assert (await browser.post("/account/security/app")).headers["location"] == "/sign-in"
        assert (await browser.get("/api/v1/me/second-factor")).status_code == 401

    async def test_an_app_is_added_with_ten_codes_and_a_new_session(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        elsewhere, browser = await sign_in_as(home, "lecturer"), await sign_in_as(home, "lecturer")
        before = browser.cookies["academe_session"]
        codes = await set_up(browser, session, home, "lecturer")
        assert len(set(codes)) == 10
        assert browser.cookies["academe_session"] != before
        assert (await browser.get("/account/security")).status_code == 200
        assert (await elsewhere.get("/account/security")).status_code == 303
        browser.cookies.set("academe_session", before)
        assert (await browser.get("/account/security")).status_code == 303

    async def test_the_secret_is_shown_until_it_is_confirmed(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        assert (await browser.get("/account/security/app")).status_code == 409
        await browser.post("/account/security/app")
        factor = await factor_of(session, home, "lecturer")
        page = await browser.get("/account/security/app")
        assert factor.secret in page.text.replace(" ", "")
        assert "<svg" in page.text
        wrong = await browser.post("/account/security/app/confirm", data={"code": "000000x"})
        assert wrong.status_code == 422
        assert "not right" in wrong.text
        state = (await browser.get("/api/v1/me/second-factor")).json()
        assert state == {"authenticator_app_since": None, "recovery_codes_left": 0, "passkeys": 0}
        await set_up(browser, session, home, "lecturer")
        assert (await browser.get("/account/security/app")).status_code == 409
        assert (await browser.post("/account/security/app")).status_code == 409
        state = (await browser.get("/api/v1/me/second-factor")).json()
        assert state["authenticator_app_since"] is not None
        assert state["recovery_codes_left"] == 10

    async def test_only_shortly_after_signing_in(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        await set_up(browser, session, home, "lecturer")
        long_ago = clock.now() - timedelta(minutes=16)
        await session.execute(update(AccountSession).values(created_at=long_ago))
        for path in ("/app", "/app/confirm", "/app/remove", "/codes"):
            answer = await browser.post(f"/account/security{path}", data={"code": "123456"})
            assert answer.status_code == 403, path
        page = await browser.get("/account/security")
        assert "Sign in again" in page.text
        assert "Remove" not in page.text
        answer = await browser.post("/account/security/again")
        assert answer.headers["location"] == "/sign-in?next=%2Faccount%2Fsecurity"
        assert (await browser.get("/account")).status_code == 303

    async def test_new_codes_replace_the_old_ones(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        assert (await browser.post("/account/security/codes")).status_code == 409
        old = await set_up(browser, session, home, "lecturer")
        answer = await browser.post("/account/security/codes")
        assert not any(code in answer.text for code in old)
        left = await session.scalars(select(RecoveryCode.code_hash))
        assert len(left.all()) == 10

    async def test_it_is_removed_with_its_codes(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        assert (await browser.post("/account/security/app/remove")).status_code == 409
        await set_up(browser, session, home, "lecturer")
        assert (await browser.post("/account/security/app/remove")).status_code == 303
        assert (await session.scalars(select(TotpFactor))).all() == []
        assert (await session.scalars(select(RecoveryCode))).all() == []
        await sign_in_as(home, "lecturer")


class TestSecondStep:
    async def test_the_password_alone_opens_nothing(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
        browser = await with_password(app, home, "lecturer")
        assert "academe_session" not in browser.cookies
        assert (await browser.get("/account")).status_code == 303
        assert (await browser.get("/api/v1/me", headers={"Accept": "application/json"})).status_code == 401
        assert (await browser.get("/sign-in/code")).status_code == 200

    async def test_a_code_opens_a_session_once(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
        with clock.frozen(clock.now() + LATER):
            code = present_code(await factor_of(session, home, "lecturer"))
            browser, thief = await with_password(app, home, "lecturer"), await with_password(app, home, "lecturer")
            answer = await browser.post("/sign-in/code", data={"code": code, "next": "/account"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/account")
            assert (await browser.get("/account")).status_code == 200
            assert "academe_sign_in" not in browser.cookies
            again = await thief.post("/sign-in/code", data={"code": code})
            assert again.status_code == 422
            assert "used before" in again.text
        entries = await session.scalars(select(AuditEntry.summary).where(AuditEntry.action == "account.signed_in"))
        assert "Signed in with password and authenticator app" in entries.all()

    async def test_the_code_that_set_it_up_is_spent(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        with clock.frozen(clock.now()):
            await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
            code = present_code(await factor_of(session, home, "lecturer"))
            browser = await with_password(app, home, "lecturer")
            assert (await browser.post("/sign-in/code", data={"code": code})).status_code == 422

    async def test_a_recovery_code_opens_it_once_and_is_told(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        codes = await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
        browser = await with_password(app, home, "lecturer")
        assert (await browser.post("/sign-in/code", data={"code": codes[3].upper()})).status_code == 303
        state = (await browser.get("/api/v1/me/second-factor")).json()
        assert state["recovery_codes_left"] == 9
        other = await with_password(app, home, "lecturer")
        assert (await other.post("/sign-in/code", data={"code": codes[3]})).status_code == 422
        facts = await session.scalars(
            select(OutboxMessage.payload).where(OutboxMessage.kind == SignInChanged.KIND).order_by(OutboxMessage.id)
        )
        assert [fact["change"] for fact in facts] == ["app_added", "code_used"]

    async def test_without_a_password_first_there_is_no_step(self, app: FastAPI, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/sign-in/code")).headers["location"] == "/sign-in?next=%2F"
        answer = await browser.post("/sign-in/code", data={"code": "123456"})
        assert answer.headers["location"] == "/sign-in?next=%2F"

    async def test_it_leads_nowhere_else(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        codes = await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
        browser = await with_password(app, home, "lecturer")
        answer = await browser.post("/sign-in/code", data={"code": codes[0], "next": "//evil.example"})
        assert answer.headers["location"] == "/"


class TestGuesses:
    @pytest.fixture
    async def step(self, database: JoinedDatabase, session: Session, home: School, password_hash: str) -> SecondStep:
        """A browser with the lecturer's password; the app's secret is the fixture's."""
        await give_password(session, home.accounts["lecturer"], password_hash)
        async with as_actor(session, system_actor("test")):
            session.add(
                TotpFactor(
                    account_id=home.accounts["lecturer"].id,
                    secret="JBSWY3DPEHPK3PXP",
                    confirmed_at=clock.now(),
                    last_step=1,
                )
            )
            await session.flush()
        return await self.begun(database)

    async def begun(self, database: JoinedDatabase) -> SecondStep:
        step = await sign_in(
            database, throttle=AttemptThrottle(), email="lecturer@home.example", password=PASSWORD, network="n"
        )
        assert isinstance(step, SecondStep)
        return step

    async def tried(
        self, database: JoinedDatabase, step: SecondStep, code: str, throttle: AttemptThrottle, network: str = "n"
    ) -> OpenedSession:
        return await finish_sign_in(database, throttle=throttle, token=step.token, code=code, network=network)

    async def test_five_wrong_codes_ask_for_the_password_again(
        self, database: JoinedDatabase, step: SecondStep
    ) -> None:
        for number in range(MOST_FAILURES):
            with pytest.raises(WrongCodeError):
                await self.tried(database, step, "000000", AttemptThrottle(), f"network {number}")
        code = code_at("JBSWY3DPEHPK3PXP", step_of(clock.now()))
        with pytest.raises(SignInExpiredError):
            await self.tried(database, step, code, AttemptThrottle())

    async def test_guesses_hold_up_their_own_network_alone(self, database: JoinedDatabase, step: SecondStep) -> None:
        throttle = AttemptThrottle()
        for _ in range(MOST_FAILURES):
            with pytest.raises(WrongCodeError):
                await self.tried(database, step, "000000", throttle, "attacker")
        code = code_at("JBSWY3DPEHPK3PXP", step_of(clock.now()))
        with pytest.raises(TooManyAttemptsError):
            await self.tried(database, await self.begun(database), code, throttle, "attacker")
        opened = await self.tried(database, await self.begun(database), code, throttle, "owner")
        assert opened.token

    async def test_it_ends_after_ten_minutes(self, database: JoinedDatabase, step: SecondStep) -> None:
        with clock.frozen(clock.now() + LIFETIME + timedelta(seconds=1)):
            code = code_at("JBSWY3DPEHPK3PXP", step_of(clock.now()))
            with pytest.raises(SignInExpiredError):
                await self.tried(database, step, code, AttemptThrottle())

    async def test_it_ends_with_the_account(
        self, database: JoinedDatabase, session: Session, home: School, step: SecondStep
    ) -> None:
        async with as_actor(session, system_actor("test")):
            await session.execute(update(Account).values(is_active=False))
        code = code_at("JBSWY3DPEHPK3PXP", step_of(clock.now()))
        with pytest.raises(SignInExpiredError):
            await self.tried(database, step, code, AttemptThrottle())

    async def test_a_used_step_is_gone(self, database: JoinedDatabase, session: Session, step: SecondStep) -> None:
        code = code_at("JBSWY3DPEHPK3PXP", step_of(clock.now()))
        await self.tried(database, step, code, AttemptThrottle())
        assert (await session.scalars(select(UnfinishedSignIn))).all() == []
        with pytest.raises(SignInExpiredError):
            await self.tried(database, step, code, AttemptThrottle())


class TestLostApp:
    async def test_stranger_and_registrar_may_not_take_it_away(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        person_id = home.people["lecturer"].id
        await set_up(await sign_in_as(home, "lecturer"), session, home, "lecturer")
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.post(f"/people/{person_id}/second-factor/remove")).status_code == 403
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.delete(f"/api/v1/people/{person_id}/second-factor")).status_code == 404
        with pytest.raises(PermissionDeniedError):
            await remove_factors_of(session, actor=home.actor("registrar"), person_id=person_id)
        assert "Second factor" not in (await registrar.get(f"/people/{person_id}")).text

    async def test_an_administrator_may_and_the_holder_is_told(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        person_id = home.people["lecturer"].id
        browser = await sign_in_as(home, "lecturer")
        await set_up(browser, session, home, "lecturer")
        administrator = await sign_in_as(home, "administrator")
        assert "Recovery codes left" in (await administrator.get(f"/people/{person_id}")).text
        assert (await administrator.delete(f"/api/v1/people/{person_id}/second-factor")).status_code == 204
        assert (await administrator.delete(f"/api/v1/people/{person_id}/second-factor")).status_code == 409
        assert (await browser.get("/account")).status_code == 303
        assert (await session.scalars(select(TotpFactor))).all() == []
        assert (await session.scalars(select(RecoveryCode))).all() == []
        payload = await session.scalar(
            select(OutboxMessage.payload)
            .order_by(OutboxMessage.id.desc())
            .where(OutboxMessage.kind == SignInChanged.KIND)
        )
        assert payload is not None
        await tell_sign_in_changed(session, fact_from(SignInChanged, payload))
        told = (await session.scalars(select(Notification).where(Notification.person_id == person_id))).one()
        assert "were removed" in told.title
        assert "An administrator did this" in told.body

    async def test_the_operator_may(self, session: Session, home: School) -> None:
        operator = system_actor("operator")
        with pytest.raises(FactorStateError):
            await remove_factors_of(session, actor=operator, person_id=home.people["lecturer"].id)
