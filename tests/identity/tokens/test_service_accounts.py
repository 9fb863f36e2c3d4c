"""Service accounts, and the token endpoint by which they get tokens."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from academe.identity.service import grant_role
from academe.identity.tokens import bearer
from academe.identity.tokens.models import ApiToken, ServiceAccount
from academe.identity.types import Role
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.identity.tokens.test_tokens import JSON, program
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio


async def made(browser: httpx.AsyncClient, school: School, *scopes: str) -> dict[str, str]:
    path = f"/api/v1/institutions/{school.institution.id}/service-accounts"
    answer = await browser.post(path, json={"name": "Timetable", "scopes": scopes or ["read"]}, headers=JSON)
    assert answer.status_code == 201, answer.text
    issued: dict[str, str] = answer.json()
    return issued


async def asked(browser: httpx.AsyncClient, issued: dict[str, str], **fields: Any) -> httpx.Response:
    browser.cookies = httpx.Cookies()
    form = {"grant_type": "client_credentials", **fields}
    return await browser.post("/oauth/token", data=form, auth=(issued["id"], issued["secret"]), headers=JSON)


class TestManaging:
    async def test_administrators_only(
        self, home: School, away: School, browser: httpx.AsyncClient, sign_in_as: SignIn
    ) -> None:
        path = f"/api/v1/institutions/{home.institution.id}/service-accounts"
        body = {"name": "x", "scopes": ["read"]}
        assert (await browser.post(path, json=body, headers=JSON)).status_code == 401
        issued = await made(await sign_in_as(home, "administrator"), home)
        for school, who in ((home, "registrar"), (home, "lecturer"), (away, "administrator")):
            other = await sign_in_as(school, who)
            assert (await other.post(path, json=body, headers=JSON)).status_code == 403, who
            assert (await other.get(path, headers=JSON)).status_code == 403, who
            ended = await other.delete(f"/api/v1/service-accounts/{issued['id']}", headers=JSON)
            assert ended.status_code in {403, 404}, who
        assert (await (await sign_in_as(home, "lecturer")).get("/settings/service-accounts")).status_code == 403

    async def test_by_the_page(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        page = await administrator.post("/settings/service-accounts", data={"name": "Timetable", "scopes": "read"})
        assert (page.status_code, "Client secret" in page.text) == (201, True)
        assert "Timetable" in (await administrator.get("/settings/service-accounts")).text
        account = (await session.scalars(select(ServiceAccount))).one()
        path = f"/settings/service-accounts/{account.person_id}"
        assert "Client secret" in (await administrator.post(f"{path}/secret")).text
        assert (await administrator.post(f"{path}/revoke")).status_code == 303
        assert (await administrator.post(f"{path}/revoke")).status_code == 404
        assert "Timetable" not in (await administrator.get("/settings/service-accounts")).text


class TestTokens:
    async def test_acts_with_its_roles(
        self, session: Session, app: FastAPI, home: School, browser: httpx.AsyncClient, sign_in_as: SignIn
    ) -> None:
        issued = await made(await sign_in_as(home, "administrator"), home, "read", "people:write")
        answer = await asked(browser, issued)
        assert answer.headers["Cache-Control"] == "no-store"
        given = answer.json()
        assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 3600, "people:write read")
        path = f"/api/v1/people/{home.people['student1'].id}"
        async with program(app, given["access_token"]) as client:
            assert (await client.get("/api/v1/me")).json()["person_id"] == issued["id"]
            assert (await client.get(path)).status_code == 404
            actor = system_actor("test")
            async with as_actor(session, actor):
                await grant_role(
                    session,
                    actor=actor,
                    person_id=(await session.scalars(select(ServiceAccount.person_id))).one(),
                    org_unit_id=home.institution.id,
                    role=Role.ADVISOR,
                )
            bearer._known.clear()
            assert (await client.get(path)).status_code == 200

    async def test_asks_for_less(
        self, app: FastAPI, home: School, browser: httpx.AsyncClient, sign_in_as: SignIn
    ) -> None:
        issued = await made(await sign_in_as(home, "administrator"), home, "read")
        given = (await asked(browser, issued, scope="identity:read")).json()
        async with program(app, given["access_token"]) as client:
            assert (await client.get("/api/v1/me")).status_code == 200
            assert (await client.get("/api/v1/people")).status_code == 403
        for more in ("write", "people:write", "nonsense"):
            refused = await asked(browser, issued, scope=more)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope"), more

    async def test_refusals(self, home: School, browser: httpx.AsyncClient, sign_in_as: SignIn) -> None:
        issued = await made(await sign_in_as(home, "administrator"), home)
        for wrong in ({**issued, "secret": "x"}, {**issued, "id": str(home.institution.id)}, {**issued, "id": "x"}):
            refused = await asked(browser, wrong)
            assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
            assert refused.headers["WWW-Authenticate"].startswith("Basic")
        for fields, error in (
            ({"grant_type": "password"}, "unsupported_grant_type"),
            ({"grant_type": ""}, "invalid_request"),
            ({"client_secret": issued["secret"]}, "invalid_request"),
            ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ):
            refused = await asked(browser, issued, **fields)
            assert (refused.status_code, refused.json()["error"]) == (400, error)
        in_form = {"grant_type": "client_credentials", "client_id": issued["id"], "client_secret": issued["secret"]}
        assert (await browser.post("/oauth/token", data=in_form)).status_code == 200

    async def test_a_new_secret_and_the_end(
        self, session: Session, app: FastAPI, home: School, browser: httpx.AsyncClient, sign_in_as: SignIn
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        issued = await made(administrator, home)
        token = (await asked(browser, issued)).json()["access_token"]
        renewed = (await administrator.post(f"/api/v1/service-accounts/{issued['id']}/secret", headers=JSON)).json()
        assert (await asked(browser, issued)).status_code == 401
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 401
        token = (await asked(browser, renewed)).json()["access_token"]
        ended = await administrator.delete(f"/api/v1/service-accounts/{issued['id']}", headers=JSON)
        assert ended.status_code == 204
        assert (await asked(browser, renewed)).status_code == 401
        async with program(app, token) as client:
            assert (await client.get("/api/v1/me")).status_code == 401
        hashes = (await session.scalars(select(ApiToken.token_hash))).all()
        assert token.encode() not in hashes

    async def test_what_there_is(self, browser: httpx.AsyncClient) -> None:
        told = (await browser.get("/.well-known/oauth-authorization-server", headers=JSON)).json()
        assert told["issuer"] == "http://academe.test"
        assert told["token_endpoint"] == "http://academe.test/oauth/token"
        assert {"read", "people:read"} <= set(told["scopes_supported"])
