"""Administrators configure the sign-in providers of their institution."""

from typing import Any

import httpx
import pytest
from sqlalchemy import LargeBinary, select, text, type_coerce

from academe.identity.models import AccountSession
from academe.identity.providers.models import IdentityProvider
from academe.identity.sign_in.models import SignInIdentity
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.schools import School

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
GOOD: dict[str, Any] = {
    "name": "Campus",
    "issuer": "https://login.home.example",
    "client_id": "academe",
    "client_secret": "sesame",
    "unknown_person": "link",
    "domains": ["Home.example"],
    "second_factor_values": ["mfa"],
}


def of(school: School) -> str:
    return f"/api/v1/institutions/{school.institution.id}/sign-in-providers"


async def added(browser: httpx.AsyncClient, school: School, **changes: Any) -> httpx.Response:
    return await browser.post(of(school), json=GOOD | changes, headers=JSON)


class TestAdding:
    async def test_anonymous_and_strangers_may_not(
        self, home: School, away: School, browser: httpx.AsyncClient, sign_in_as: SignIn
    ) -> None:
        assert (await added(browser, home)).status_code == 401
        for school, who in ((home, "lecturer"), (home, "registrar"), (away, "administrator")):
            other = await sign_in_as(school, who)
            assert (await added(other, home)).status_code == 403, who
            assert (await other.get(of(home), headers=JSON)).status_code == 403, who
        lecturer = await sign_in_as(home, "lecturer")
        for path in ("/settings/providers", "/settings/providers/add"):
            assert (await lecturer.get(path)).status_code == 403

    async def test_administrators_may(self, session: Session, home: School, away: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        answer = await added(administrator, home)
        assert answer.status_code == 201, answer.text
        assert "sesame" not in answer.text
        assert answer.json()["domains"] == ["home.example"]
        stored = await session.scalar(select(type_coerce(IdentityProvider.client_secret, LargeBinary)))
        assert stored is not None
        assert b"sesame" not in bytes(stored)
        entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "provider.added"))
        assert entry is not None
        assert "sesame" not in str(entry.changes)
        assert (await added(administrator, home)).status_code == 409
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.get(f"/settings/providers/{answer.json()['id']}")).status_code == 404
        assert (await stranger.get(of(away), headers=JSON)).json() == []

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", " "),
            ("issuer", "login.example"),
            ("issuer", "https://login.example/?a=1"),
            ("issuer", "https://user@login.example"),
            ("client_id", "a b"),
            ("domains", []),
            ("domains", ["localhost"]),
            ("domains", ["exa mple.org"]),
            ("second_factor_values", ["two words"]),
        ],
    )
    async def test_faults_name_their_field(
        self, session: Session, home: School, sign_in_as: SignIn, field: str, value: Any
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        answer = await added(administrator, home, **{field: value})
        assert answer.status_code == 422
        assert [fault["field"].rpartition(".")[2] for fault in answer.json()["errors"]] == [field]
        assert (await session.scalars(select(IdentityProvider))).all() == []


class TestChanging:
    async def test_by_the_form(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        form = {"name": "Campus", "issuer": GOOD["issuer"], "client_id": "a", "unknown_person": "refuse"}
        answer = await administrator.post("/settings/providers/add", data=form | {"client_secret": "sesame"})
        path = answer.headers["location"]
        assert "sesame" not in (await administrator.get(path)).text
        answer = await administrator.post(path, data=form | {"name": "", "client_secret": "opensaysme"})
        assert (answer.status_code, "opensaysme" in answer.text) == (422, False)
        answer = await administrator.post(
            path, data=form | {"name": "Campus 2", "domains": "b.example\na.example", "is_active": "true"}
        )
        assert answer.status_code == 303, answer.text
        provider = (await session.scalars(select(IdentityProvider))).one()
        await session.refresh(provider)
        assert (provider.name, provider.domains, provider.client_secret, provider.is_active) == (
            "Campus 2",
            ["a.example", "b.example"],
            "sesame",
            True,
        )
        assert "Campus 2" in (await administrator.get("/settings/providers")).text
        assert (await administrator.post(f"{path}/remove")).status_code == 303
        assert (await session.scalars(select(IdentityProvider))).all() == []

    async def test_switching_off_and_removing_ends_what_it_opened(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        administrator, lecturer = await sign_in_as(home, "administrator"), await sign_in_as(home, "lecturer")
        made = (await added(administrator, home)).json()
        person_id = home.people["lecturer"].id
        identity = SignInIdentity(
            provider_id=made["id"], auth_provider="Campus", auth_provider_id="ada", person_id=person_id
        )
        session.add(identity)
        await session.flush()
        opened = await session.scalar(
            select(AccountSession).where(AccountSession.account_id == home.accounts["lecturer"].id)
        )
        assert opened is not None
        opened.identity_id = identity.id
        await session.flush()
        path = f"/api/v1/sign-in-providers/{made['id']}"
        wanted = GOOD | {"issuer": "https://new.example"}
        assert (await administrator.put(path, json=wanted, headers=JSON)).status_code == 422
        assert (await lecturer.get("/api/v1/me", headers=JSON)).status_code == 200
        assert (await administrator.put(path, json=GOOD | {"is_active": False}, headers=JSON)).status_code == 200
        assert (await lecturer.get("/api/v1/me", headers=JSON)).status_code == 401
        assert (await administrator.delete(path, headers=JSON)).status_code == 204
        assert await session.scalar(text("SELECT count(*) FROM sign_in_identity")) == 0
