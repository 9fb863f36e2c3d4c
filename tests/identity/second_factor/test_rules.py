"""An institution asks roles for a second factor, and whoever has none gets no further than setting one up."""

import httpx
import pytest
from sqlalchemy import select

from academe.identity.second_factor.service import set_roles_in_need
from academe.identity.sign_in.actors import _actors
from academe.identity.sign_in.models import SecondFactorRule
from academe.identity.types import Role
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from tests.identity.conftest import SignIn
from tests.identity.second_factor.test_second_factor import set_up
from tests.schools import School

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def demand(session: Session, school: School, *roles: Role) -> None:
    await set_roles_in_need(session, actor=system_actor("test"), institution_id=school.institution.id, roles=roles)


class TestDeciding:
    async def test_anonymous_and_strangers_may_not(
        self, browser: httpx.AsyncClient, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        path = f"/api/v1/institutions/{home.institution.id}/sign-in-rules"
        assert (await browser.get("/settings/sign-in")).headers["location"] == "/sign-in?next=/settings/sign-in"
        assert (await browser.get(path, headers=JSON)).status_code == 401
        for client in (await sign_in_as(home, "registrar"), await sign_in_as(away, "administrator")):
            assert (await client.get(path, headers=JSON)).status_code == 403
            assert (await client.put(path, json={"roles": ["lecturer"]}, headers=JSON)).status_code == 403
        assert (await (await sign_in_as(home, "registrar")).get("/settings/sign-in")).status_code == 403
        for who in ("registrar", "faculty_administrator"):
            with pytest.raises(PermissionDeniedError):
                await set_roles_in_need(
                    session, actor=home.actor(who), institution_id=home.institution.id, roles=[Role.LECTURER]
                )

    async def test_an_administrator_decides(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "administrator")
        page = await browser.get("/settings/sign-in")
        assert page.status_code == 200
        assert "checked" not in page.text
        answer = await browser.post("/settings/sign-in", data={"roles": ["advisor", "auditor"]})
        assert answer.status_code == 303
        page = await browser.get("/settings/sign-in")
        assert page.text.count("checked") == 2
        assert "2 persons with such a role have none yet." in page.text
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action.like("sign_in.roles%")))).one()
        assert entry.changes == {"roles": [[], ["advisor", "auditor"]]}
        path = f"/api/v1/institutions/{home.institution.id}/sign-in-rules"
        assert (await browser.get(path, headers=JSON)).json() == {"roles": ["advisor", "auditor"]}
        assert (await browser.put(path, json={"roles": []}, headers=JSON)).json() == {"roles": []}
        assert (await session.scalars(select(SecondFactorRule))).all() == []

    async def test_one_box_and_none(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        browser = await sign_in_as(home, "administrator")
        await browser.post("/settings/sign-in", data={"roles": "advisor"})
        assert [rule.role for rule in await session.scalars(select(SecondFactorRule))] == [Role.ADVISOR]
        await browser.post("/settings/sign-in", data={})
        assert (await session.scalars(select(SecondFactorRule))).all() == []

    async def test_programs_have_no_second_factor(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        with pytest.raises(InvalidInputError):
            await demand(session, home, Role.SERVICE)
        browser = await sign_in_as(home, "administrator")
        path = f"/api/v1/institutions/{home.institution.id}/sign-in-rules"
        answer = await browser.put(path, json={"roles": ["service"]}, headers=JSON)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "roles")
        assert (await browser.post("/settings/sign-in", data={"roles": ["emperor"]})).status_code == 422


class TestDemand:
    async def test_pages_lead_to_the_setting_up_and_json_says_so(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        browser = await sign_in_as(home, "advisor")
        assert (await browser.get("/account")).status_code == 200
        await demand(session, home, Role.ADVISOR)
        _actors.clear()  # the test never commits
        for path in ("/", "/account", "/worklist", "/people"):
            answer = await browser.get(path)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/account/security"), path
        answer = await browser.post("/account/sessions/end-others")
        assert answer.headers["location"] == "/account/security"
        fragment = await browser.get("/people", headers={"HX-Request": "true"})
        assert (fragment.status_code, fragment.headers["hx-redirect"]) == (403, "/account/security")
        answer = await browser.get("/api/v1/me", headers=JSON)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:academe:problem:second-factor-required"
        assert "asks for a second factor in your role" in (await browser.get("/account/security")).text

    async def test_everything_opens_once_it_is_set_up(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await demand(session, home, Role.ADVISOR)
        browser = await sign_in_as(home, "advisor")
        assert (await browser.get("/account")).status_code == 303
        await set_up(browser, session, home, "advisor")
        assert (await browser.get("/account")).status_code == 200
        assert (await browser.get("/api/v1/me", headers=JSON)).status_code == 200

    async def test_roles_in_offerings_count_and_others_do_not(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        await demand(session, home, Role.LECTURER)
        assert (await (await sign_in_as(home, "lecturer")).get("/account")).status_code == 303
        assert (await (await sign_in_as(home, "advisor")).get("/account")).status_code == 200
        assert (await (await sign_in_as(away, "lecturer")).get("/account")).status_code == 200

    async def test_one_may_always_sign_out(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await demand(session, home, Role.ADVISOR)
        browser = await sign_in_as(home, "advisor")
        assert (await browser.post("/sign-out")).headers["location"] == "/"
        assert (await browser.get("/")).status_code == 200
