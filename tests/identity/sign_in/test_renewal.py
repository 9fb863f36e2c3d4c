"""A session's token is renewed when what it may do changes, and at no other time."""

from datetime import date, timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, update

from academe.academics.models import OfferingStaff
from academe.identity.models import AccountSession, RoleGrant
from academe.identity.service import end_role, grant_role
from academe.identity.sign_in.actors import _actors, known_actor_for
from academe.identity.sign_in.models import TotpFactor
from academe.identity.sign_in.renewal import OVERLAP
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn, browser_of
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

COOKIE = "academe_session"
SYSTEM = system_actor("test")


async def later(browser: httpx.AsyncClient, path: str = "/account") -> httpx.Response:
    """A request after this process has forgotten whom it knew, as it does every ten seconds."""
    _actors.clear()
    return await browser.get(path)


async def settled(browser: httpx.AsyncClient) -> str:
    """The token once the session knows what it may do."""
    assert (await later(browser)).status_code == 200
    return browser.cookies[COOKIE]


def with_token(app: FastAPI, token: str) -> httpx.AsyncClient:
    browser = browser_of(app)
    browser.cookies.set(COOKIE, token)
    return browser


async def granted(session: Session, home: School, who: str = "lecturer") -> UUID:
    async with as_actor(session, SYSTEM):
        made = await grant_role(
            session,
            actor=SYSTEM,
            person_id=home.people[who].id,
            org_unit_id=home.institution.id,
            role=Role.REGISTRAR,
        )
        return made.id


class TestRenewal:
    async def test_nothing_changes_nothing(self, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = browser.cookies[COOKIE]
        for _ in range(3):
            answer = await later(browser)
            assert "set-cookie" not in answer.headers
        assert browser.cookies[COOKIE] == first

    async def test_a_role_that_comes_and_one_that_goes(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = await settled(browser)
        grant_id = await granted(session, home)
        second = await settled(browser)
        async with as_actor(session, SYSTEM):
            await end_role(session, actor=SYSTEM, grant_id=grant_id)
        third = await settled(browser)
        assert len({first, second, third}) == 3
        async with as_actor(session, SYSTEM):
            account = home.accounts["lecturer"].id
            rows = (await session.scalars(select(AccountSession).where(AccountSession.account_id == account))).all()
        assert len(rows) == 1

    async def test_a_role_that_ends_by_its_date(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        await granted(session, home)
        first = await settled(browser)
        async with as_actor(session, SYSTEM):
            past = update(RoleGrant).where(RoleGrant.person_id == home.people["lecturer"].id)
            await session.execute(past.values(starts_on=date(2020, 1, 1), ends_on=date(2020, 1, 2)))
        assert await settled(browser) != first

    async def test_a_role_in_an_offering(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = await settled(browser)
        async with as_actor(session, SYSTEM):
            person = home.people["lecturer"].id
            await session.execute(delete(OfferingStaff).where(OfferingStaff.person_id == person))
        assert await settled(browser) != first

    async def test_a_second_factor_that_is_taken_away(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        async with as_actor(session, SYSTEM):
            account = home.accounts["lecturer"].id
            session.add(
                TotpFactor(account_id=account, secret="JBSWY3DPEHPK3PXP", confirmed_at=clock.now(), last_step=1)
            )
            await session.flush()
        first = await settled(browser)
        assert (await browser.post("/account/security/app/remove")).status_code == 303
        assert await settled(browser) != first

    async def test_the_cookie_is_as_safe_as_the_first(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        await settled(browser)
        await granted(session, home)
        cookie = (await later(browser)).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "path=/" in cookie
        left = int(cookie.partition("max-age=")[2].partition(";")[0])
        assert 23 * 3600 < left <= 24 * 3600

    async def test_json_brings_it_too(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = await settled(browser)
        await granted(session, home)
        assert (await later(browser, "/api/v1/me/second-factor")).status_code == 200
        assert browser.cookies[COOKIE] != first


class TestOldToken:
    async def test_it_serves_what_is_on_its_way_and_then_no_more(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = await settled(browser)
        await granted(session, home)
        second = await settled(browser)
        async with with_token(app, first) as old:
            answer = await later(old)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers  # the old token never learns the new one
            with clock.frozen(clock.now() + OVERLAP + timedelta(seconds=1)):
                assert (await later(old)).status_code == 303
                assert (await later(browser)).status_code == 200
        assert browser.cookies[COOKIE] == second

    async def test_of_two_requests_at_once_one_gets_it(
        self, database: JoinedDatabase, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        first = await settled(await sign_in_as(home, "lecturer"))
        await granted(session, home)
        _actors.clear()
        one = await known_actor_for(database, first, ())
        cached = await known_actor_for(database, first, ())
        _actors.clear()
        other = await known_actor_for(database, first, ())
        assert one.renewed is not None
        assert (cached.renewed, other.renewed) == (None, None)
        assert one.actor.session_id == other.actor.session_id

    async def test_ending_the_session_ends_both(
        self, app: FastAPI, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        first = await settled(browser)
        await granted(session, home)
        await settled(browser)
        second = browser.cookies[COOKIE]
        await browser.post("/sign-out")
        for token in (first, second):
            async with with_token(app, token) as again:
                assert (await later(again)).status_code == 303

    async def test_an_answer_that_signs_out_keeps_the_last_word(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        await settled(browser)
        await granted(session, home)
        _actors.clear()
        answer = await browser.post("/sign-out")
        assert [each.partition("=")[0] for each in answer.headers.get_list("set-cookie")].count(COOKIE) == 1
        assert COOKIE not in browser.cookies

    async def test_it_does_not_lengthen_the_session(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        await settled(browser)
        ends = select(AccountSession.expires_at).where(AccountSession.account_id == home.accounts["lecturer"].id)
        before = (await session.execute(ends)).scalar_one()
        await granted(session, home)
        await settled(browser)
        assert (await session.execute(ends)).scalar_one() == before
        with clock.frozen(before + timedelta(seconds=1)):
            assert (await later(browser)).status_code == 303
