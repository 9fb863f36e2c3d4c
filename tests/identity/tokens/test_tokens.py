"""Tokens of people: what they open, what they never open, and how they end."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from academe.app import create_app
from academe.identity.models import AccountSession
from academe.identity.second_factor.service import set_roles_in_need
from academe.identity.service import set_person_status
from academe.identity.tokens.models import ApiToken
from academe.identity.tokens.scopes import allows, needed
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.settings import Settings
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import JoinedDatabase, as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


def program(app: FastAPI, token: str) -> httpx.AsyncClient:
    """A program with a token: no cookies, nothing about where it comes from."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://academe.test", headers=headers)


async def made(browser: httpx.AsyncClient, *scopes: str, **changes: Any) -> str:
    body = {"name": "Timetable", "scopes": list(scopes) or ["read"], "days": 30} | changes
    answer = await browser.post("/api/v1/me/tokens", json=body, headers=JSON)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


class TestScopes:
    def test_what_they_hold(self) -> None:
        assert allows({"read"}, "people:read")
        assert allows({"write"}, "people:read")
        assert allows({"people:write"}, "people:read")
        assert not allows({"read"}, "people:write")
        assert not allows({"people:write"}, "mail:read")
        assert (needed("GET", "people"), needed("DELETE", "people")) == ("people:read", "people:write")


class TestMaking:
    async def test_anonymous_may_not(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/account/tokens")).status_code == 303
        for method in ("GET", "POST"):
            assert (await browser.request(method, "/api/v1/me/tokens", json={}, headers=JSON)).status_code == 401

    async def test_by_the_page_and_shown_once(
        self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        form = {"name": "Timetable", "days": "30", "scopes": "read"}
        page = await browser.post("/account/tokens", data=form)
        assert page.status_code == 201
        token = page.text.partition("academe_")[2].partition("<")[0]
        again = await browser.get("/account/tokens")
        assert ("Timetable" in again.text, token in again.text) == (True, False)
        async with program(app, f"academe_{token}") as client:
            assert (await client.get("/api/v1/me")).json()["person_id"] == str(home.people["lecturer"].id)
        row = (await session.scalars(select(ApiToken))).one()
        await session.refresh(row)
        assert row.last_used_at is not None
        assert (await browser.post(f"/account/tokens/{row.id}/revoke")).status_code == 303
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("token.%")))
        assert sorted(actions) == ["token.created", "token.revoked"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [("name", " "), ("days", 0), ("days", 400), ("scopes", []), ("scopes", ["everything"]), ("scopes", ["x:read"])],
    )
    async def test_faults_name_their_field(self, home: School, sign_in_as: SignIn, field: str, value: Any) -> None:
        browser = await sign_in_as(home, "lecturer")
        body = {"name": "Timetable", "scopes": ["read"], "days": 30} | {field: value}
        answer = await browser.post("/api/v1/me/tokens", json=body, headers=JSON)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)

    async def test_only_shortly_after_signing_in(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "lecturer")
        await session.execute(update(AccountSession).values(created_at=clock.now() - timedelta(hours=1)))
        body = {"name": "x", "scopes": ["read"], "days": 1}
        assert (await browser.post("/api/v1/me/tokens", json=body, headers=JSON)).status_code == 403
        assert "Sign in again" in (await browser.get("/account/tokens")).text


class TestActing:
    async def test_never_more_than_the_owner(
        self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn
    ) -> None:
        student = await made(await sign_in_as(home, "student0"), "write")
        administrator = await made(await sign_in_as(home, "administrator"), "write")
        path = f"/api/v1/people/{home.people['student1'].id}"
        async with program(app, student) as client:
            assert (await client.get(path)).status_code == 404
        async with program(app, administrator) as client:
            assert (await client.get(path)).status_code == 200
            assert (await client.get("/api/v1/audit")).status_code == 200
            held = (await client.get("/api/v1/me")).json()["scopes"]
            assert any(scope["role"] == "administrator" for scope in held)

    async def test_only_what_its_scopes_say(self, app: FastAPI, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "administrator")
        reading, people = await made(browser, "read"), await made(browser, "people:read")
        rules = f"/api/v1/institutions/{home.institution.id}/sign-in-rules"
        async with program(app, reading) as client:
            assert (await client.get(rules)).status_code == 200
            refused = await client.put(rules, json={"roles": []})
            assert refused.status_code == 403
            assert 'error="insufficient_scope", scope="identity:write"' in refused.headers["WWW-Authenticate"]
        async with program(app, people) as client:
            assert (await client.get(f"/api/v1/people/{home.people['student1'].id}")).status_code == 200
            assert (await client.get(rules)).status_code == 403

    async def test_no_token_makes_another_or_opens_a_page(self, app: FastAPI, home: School, sign_in_as: SignIn) -> None:
        token = await made(await sign_in_as(home, "administrator"), "write")
        async with program(app, token) as client:
            body = {"name": "x", "scopes": ["write"], "days": 300}
            assert (await client.post("/api/v1/me/tokens", json=body)).status_code == 403
            for path in ("/account", "/settings/sign-in", "/account/security"):
                assert (await client.get(path)).status_code == 401, path

    async def test_its_request_has_no_cookie(self, app: FastAPI, home: School, sign_in_as: SignIn) -> None:
        """Whoever adds a bearer header passes the check of where a request comes from, and loses the cookie by it."""
        browser = await sign_in_as(home, "administrator")
        headers = {"Authorization": "Bearer nothing", "Sec-Fetch-Site": "cross-site", **JSON}
        rules = f"/api/v1/institutions/{home.institution.id}/sign-in-rules"
        answer = await browser.put(rules, json={"roles": []}, headers=headers)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
        del headers["Authorization"]
        assert (await browser.put(rules, json={"roles": []}, headers=headers)).status_code == 403

    async def test_the_second_factor_of_its_owner_is_missed(
        self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn
    ) -> None:
        token = await made(await sign_in_as(home, "lecturer"), "read")
        actor = system_actor("test")
        async with as_actor(session, actor):
            await set_roles_in_need(session, actor=actor, institution_id=home.institution.id, roles=[Role.LECTURER])
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 403


class TestRate:
    async def test_each_token_has_its_own_bucket(
        self, settings: Settings, database: JoinedDatabase, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "lecturer")
        one, other = await made(browser), await made(browser, name="Another")
        limited = create_app(settings.model_copy(update={"rate_limit_per_minute": 3}), database)
        async with program(limited, one) as first, program(limited, other) as second:
            assert (await second.get("/api/v1/me")).status_code == 200  # counted for its network, until it is known
            statuses = [(await first.get("/api/v1/me")).status_code for _ in range(5)]
            assert statuses == [200, 200, 200, 429, 429]
            assert (await second.get("/api/v1/me")).status_code == 200


class TestEnding:
    async def test_revoked_by_its_owner_alone(
        self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn
    ) -> None:
        browser, other = await sign_in_as(home, "lecturer"), await sign_in_as(home, "convenor")
        token = await made(browser)
        listed = (await browser.get("/api/v1/me/tokens", headers=JSON)).json()
        path = f"/api/v1/me/tokens/{listed[0]['id']}"
        assert (await other.delete(path, headers=JSON)).status_code == 404
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 200
            assert (await browser.delete(path, headers=JSON)).status_code == 204
            assert (await client.get("/api/v1/me")).status_code == 401
        assert (await browser.delete(path, headers=JSON)).status_code == 404

    async def test_by_its_time(self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn) -> None:
        token = await made(await sign_in_as(home, "lecturer"))
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 200
            with clock.frozen(clock.now() + timedelta(days=31)):
                assert (await client.get("/api/v1/me")).status_code == 401

    async def test_with_its_owner(self, session: Session, app: FastAPI, home: School, sign_in_as: SignIn) -> None:
        token = await made(await sign_in_as(home, "lecturer"))
        actor = system_actor("test")
        async with as_actor(session, actor):
            person_id = home.people["lecturer"].id
            await set_person_status(session, actor=actor, person_id=person_id, status=PersonStatus.DEACTIVATED)
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 401

    async def test_what_is_no_token(self, app: FastAPI) -> None:
        for wrong in ("x", "", "academe_" + "x" * 43, "x" * 300):
            async with program(app, wrong) as client:
                assert (await client.get("/api/v1/me")).status_code == 401
