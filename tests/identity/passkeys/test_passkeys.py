"""Passkeys as a browser's script uses them, and every answer that must not be accepted."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from academe.identity.models import Account, AccountSession
from academe.identity.passkeys.challenges import LIFETIME
from academe.identity.second_factor.service import remove_factors_of
from academe.identity.sign_in.models import Passkey, PasskeyChallenge, RecoveryCode, UnfinishedSignIn
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import PASSWORD, SignIn, browser_of
from tests.schools import School
from tests.support.authenticator import Device, encoded
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


@pytest.fixture
def device() -> Device:
    return Device("http://academe.test", "academe.test")


async def new_options(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.post("/account/security/passkeys/options", json={}, headers=JSON)
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


async def add(browser: httpx.AsyncClient, credential: dict[str, Any], name: str = "My phone") -> httpx.Response:
    return await browser.post("/account/security/passkeys", json={"credential": credential, "name": name}, headers=JSON)


async def registered(browser: httpx.AsyncClient, device: Device) -> None:
    answer = await add(browser, device.make(await new_options(browser)))
    assert answer.status_code == 200, answer.text


async def options(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.post("/sign-in/passkey/options", json={}, headers=JSON)
    assert answer.status_code == 200, answer.text
    asked: dict[str, Any] = answer.json()
    return asked


async def shown(browser: httpx.AsyncClient, credential: dict[str, Any]) -> httpx.Response:
    return await browser.post("/sign-in/passkey", json={"credential": credential, "next": "/account"}, headers=JSON)


class TestAdding:
    async def test_anonymous_may_not(self, browser: httpx.AsyncClient) -> None:
        for path in ("/account/security/passkeys/options", "/account/security/passkeys", "/api/v1/me/passkeys"):
            method = "GET" if path.startswith("/api") else "POST"
            answer = await browser.request(method, path, json={"credential": {}, "name": "x"}, headers=JSON)
            assert answer.status_code == 401, path

    async def test_what_the_device_is_asked(self, home: School, sign_in_as: SignIn, device: Device) -> None:
        browser = await sign_in_as(home, "lecturer")
        asked = await new_options(browser)
        assert asked["rp"]["id"] == "academe.test"
        assert asked["user"]["id"] == encoded(home.accounts["lecturer"].id.bytes)
        selection = asked["authenticatorSelection"]
        assert (selection["residentKey"], selection["userVerification"]) == ("required", "required")
        assert (await add(browser, device.make(asked))).status_code == 200
        assert [each["id"] for each in (await new_options(browser))["excludeCredentials"]] == [
            encoded(device.credential_id)
        ]

    async def test_several_with_names_and_a_new_session(
        self, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        elsewhere, browser = await sign_in_as(home, "lecturer"), await sign_in_as(home, "lecturer")
        before = browser.cookies["academe_session"]
        await registered(browser, device)
        assert browser.cookies["academe_session"] != before
        assert (await elsewhere.get("/account")).status_code == 303
        other = Device("http://academe.test", "academe.test")
        assert (await add(browser, other.make(await new_options(browser)), " Laptop ")).json() == {
            "next": "/account/security"
        }
        listed = (await browser.get("/api/v1/me/passkeys", headers=JSON)).json()
        assert [each["name"] for each in listed] == ["My phone", "Laptop"]
        page = await browser.get("/account/security")
        assert "Laptop" in page.text
        assert (await browser.get("/api/v1/me/second-factor", headers=JSON)).json()["passkeys"] == 2
        entries = await session.scalars(select(AuditEntry.action).where(AuditEntry.action == "passkey.added"))
        assert len(entries.all()) == 2

    async def test_wrong_answers(self, session: Session, home: School, sign_in_as: SignIn, device: Device) -> None:
        browser = await sign_in_as(home, "lecturer")
        asked = await new_options(browser)
        await new_options(browser)
        assert (await add(browser, device.make(asked))).status_code == 422  # the browser was asked again meanwhile
        for wrong in (
            Device("http://evil.test", "academe.test"),
            Device("http://academe.test", "evil.test"),
            Device("http://academe.test", "academe.test", verifies=False),
        ):
            assert (await add(browser, wrong.make(await new_options(browser)))).status_code == 422
        assert (await add(browser, {"id": "x"})).status_code == 422
        for name in ("", " ", "x" * 61, "a\u0000b"):
            assert (await add(browser, device.make(await new_options(browser)), name)).status_code == 422, name
        assert (await session.scalars(select(Passkey))).all() == []

    async def test_only_shortly_after_signing_in(
        self, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        asked = await new_options(browser)
        await session.execute(update(AccountSession).values(created_at=clock.now() - timedelta(minutes=16)))
        assert (await add(browser, device.make(asked))).status_code == 403
        answer = await browser.post("/account/security/passkeys/options", json={}, headers=JSON)
        assert answer.status_code == 403

    async def test_the_challenge_of_somebody_else(self, home: School, sign_in_as: SignIn, device: Device) -> None:
        lecturer, advisor = await sign_in_as(home, "lecturer"), await sign_in_as(home, "advisor")
        credential = device.make(await new_options(lecturer))
        advisor.cookies.set("academe_passkey", lecturer.cookies["academe_passkey"])
        assert (await add(advisor, credential)).status_code == 422


class TestChanging:
    async def test_names_and_removal_are_the_holders_alone(
        self, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        await registered(browser, device)
        passkey = (await session.scalars(select(Passkey))).one()
        path = f"/account/security/passkeys/{passkey.id}"
        stranger = await sign_in_as(home, "administrator")
        assert (await stranger.post(f"{path}/name", data={"name": "Mine"})).status_code == 404
        assert (await stranger.post(f"{path}/remove")).status_code == 404
        assert (await stranger.delete(f"/api/v1/me/passkeys/{passkey.id}", headers=JSON)).status_code == 404
        assert (await browser.post(f"{path}/name", data={"name": ""})).status_code == 422
        assert (await browser.post(f"{path}/name", data={"name": "Old phone"})).status_code == 303
        assert "Old phone" in (await browser.get("/account/security")).text
        await browser.post("/account/security/codes")
        assert len((await session.scalars(select(RecoveryCode))).all()) == 10
        assert (await browser.delete(f"/api/v1/me/passkeys/{passkey.id}", headers=JSON)).status_code == 204
        assert (await session.scalars(select(RecoveryCode))).all() == []

    async def test_an_administrator_takes_a_lost_one_away(
        self, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        await remove_factors_of(session, actor=home.actor("administrator"), person_id=home.people["lecturer"].id)
        assert (await session.scalars(select(Passkey))).all() == []


class TestSigningIn:
    async def test_a_passkey_alone(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        handle = encoded(home.accounts["lecturer"].id.bytes)
        async with browser_of(app) as browser:
            asked = await options(browser)
            assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])
            answer = await shown(browser, device.answer(asked, user_handle=handle))
            assert answer.json() == {"next": "/account"}
            assert (await browser.get("/account")).status_code == 200
        passkey = (await session.scalars(select(Passkey).execution_options(populate_existing=True))).one()
        assert passkey.sign_count == 1
        assert passkey.last_used_at is not None
        summaries = await session.scalars(select(AuditEntry.summary).where(AuditEntry.action == "account.signed_in"))
        assert "Signed in with passkey" in summaries.all()

    async def test_after_the_password(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        other = Device("http://academe.test", "academe.test")
        await registered(await sign_in_as(home, "advisor"), other)
        async with browser_of(app) as browser:
            answer = await browser.post(
                "/sign-in", data={"email": home.accounts["lecturer"].email, "password": PASSWORD}
            )
            assert answer.headers["location"].startswith("/sign-in/code")
            asked = await options(browser)
            assert [each["id"] for each in asked["allowCredentials"]] == [encoded(device.credential_id)]
            assert (await shown(browser, other.answer(asked))).status_code == 422
            assert (await shown(browser, device.answer(await options(browser)))).status_code == 200
            assert (await browser.get("/account")).status_code == 200
        assert (await session.scalars(select(UnfinishedSignIn))).all() == []

    async def test_an_answer_counts_once_and_in_its_browser(
        self, app: FastAPI, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        async with browser_of(app) as browser, browser_of(app) as thief:
            credential = device.answer(await options(browser))
            assert (await shown(thief, credential)).status_code == 422
            token = browser.cookies["academe_passkey"]
            assert (await shown(browser, credential)).status_code == 200
            thief.cookies.set("academe_passkey", token)
            assert (await shown(thief, credential)).status_code == 422

    async def test_a_counter_that_runs_backwards(
        self, app: FastAPI, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        copy = Device(device.origin, device.host, key=device.key)
        async with browser_of(app) as browser:
            device.counter = 5
            assert (await shown(browser, device.answer(await options(browser)))).status_code == 200
            assert (await shown(browser, copy.answer(await options(browser)))).status_code == 422

    async def test_wrong_answers(self, app: FastAPI, home: School, sign_in_as: SignIn, device: Device) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        async with browser_of(app) as browser:
            for wrong in (
                Device("http://evil.test", "academe.test", key=device.key),
                Device("http://academe.test", "evil.test", key=device.key),
                Device("http://academe.test", "academe.test", key=device.key, verifies=False),
                Device("http://academe.test", "academe.test"),
            ):
                assert (await shown(browser, wrong.answer(await options(browser)))).status_code == 422
            handle = encoded(home.accounts["advisor"].id.bytes)
            answer = await shown(browser, device.answer(await options(browser), user_handle=handle))
            assert answer.status_code == 422
            assert (await shown(browser, {"id": "x"})).status_code == 422
            assert "academe_session" not in browser.cookies

    async def test_too_late(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        async with browser_of(app) as browser:
            asked = await options(browser)
            with clock.frozen(clock.now() + LIFETIME + timedelta(seconds=1)):
                assert (await shown(browser, device.answer(asked))).status_code == 422
                await options(browser)
        assert len((await session.scalars(select(PasskeyChallenge))).all()) == 1

    async def test_a_closed_account(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn, device: Device
    ) -> None:
        await registered(await sign_in_as(home, "lecturer"), device)
        async with as_actor(session, system_actor("test")):
            await session.execute(update(Account).values(is_active=False))
        async with browser_of(app) as browser:
            assert (await shown(browser, device.answer(await options(browser)))).status_code == 422
