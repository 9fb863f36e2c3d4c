"""How providers of sign-ins know people: for the people themselves and for administrators."""

import httpx
import pytest
from sqlalchemy import func, select

from academe.identity.sign_in.models import SignInIdentity
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


@pytest.fixture
async def known(session: Session, home: School) -> None:
    """Two providers know the first student."""
    student = home.people["student0"].id
    async with as_actor(session, system_actor("test")):
        session.add(SignInIdentity(person_id=student, auth_provider="campus", auth_provider_id="s-4711"))
        session.add(SignInIdentity(person_id=student, auth_provider="library", auth_provider_id="77"))
        await session.flush()


@pytest.mark.usefixtures("known")
class TestSignInIdentities:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient, home: School) -> None:
        assert (await browser.get("/api/v1/me/sign-in-identities", headers=JSON)).status_code == 401
        address = f"/api/v1/people/{home.people['student0'].id}/sign-in-identities"
        assert (await browser.get(address, headers=JSON)).status_code == 401

    async def test_people_see_their_own(self, home: School, sign_in_as: SignIn) -> None:
        student = await sign_in_as(home, "student0")
        found = (await student.get("/api/v1/me/sign-in-identities", headers=JSON)).json()
        assert [(each["auth_provider"], each["auth_provider_id"]) for each in found] == [
            ("campus", "s-4711"),
            ("library", "77"),
        ]
        assert "s-4711" in (await student.get("/account")).text
        other = await sign_in_as(home, "student1")
        assert (await other.get("/api/v1/me/sign-in-identities", headers=JSON)).json() == []
        assert "s-4711" not in (await other.get("/account")).text

    async def test_administrators_see_them_on_record(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        student = home.people["student0"].id
        registrar = await sign_in_as(home, "registrar")
        address = f"/api/v1/people/{student}/sign-in-identities"
        assert (await registrar.get(address, headers=JSON)).status_code == 403
        assert "s-4711" not in (await registrar.get(f"/people/{student}")).text
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.get(address, headers=JSON)).status_code == 404
        administrator = await sign_in_as(home, "administrator")
        assert len((await administrator.get(address, headers=JSON)).json()) == 2
        assert "s-4711" in (await administrator.get(f"/people/{student}")).text
        entries = select(func.count()).where(AuditEntry.action == "sign_in_identity.read")
        assert await session.scalar(entries) == 2
