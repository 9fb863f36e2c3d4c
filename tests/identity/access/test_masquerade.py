"""An administrator acts as somebody else: on every page, on record with both names, never as an administrator."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update

from academe.identity.models import AccountSession
from academe.identity.sign_in.actors import _actors
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import PASSWORD, SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}
BANNER = "Act as yourself again"


async def act_as(client: httpx.AsyncClient, school: School, who: str) -> httpx.Response:
    return await client.post(f"/people/{school.people[who].id}/masquerade")


class TestBeginning:
    async def test_only_administrators_of_the_institution(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await act_as(browser, home, "student0")).headers["location"].startswith("/sign-in")
        for who in ("registrar", "faculty_administrator", "auditor", "lecturer"):
            assert (await act_as(await sign_in_as(home, who), home, "student0")).status_code == 403
        stranger = await sign_in_as(away, "administrator")
        assert (await act_as(stranger, home, "student0")).status_code == 404
        path = f"/api/v1/people/{home.people['student0'].id}/masquerade"
        assert (await stranger.post(path, headers=JSON)).status_code == 404

    async def test_never_as_an_administrator_or_oneself(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        for who in ("administrator", "faculty_administrator"):
            assert (await act_as(client, home, who)).status_code == 403
            assert "Act as this person" not in (await client.get(f"/people/{home.people[who].id}")).text
        assert "Act as this person" in (await client.get(f"/people/{home.people['lecturer'].id}")).text


class TestActing:
    async def test_one_sees_what_they_see_under_a_banner(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        client = await sign_in_as(home, "administrator")
        assert (await act_as(client, home, "lecturer")).status_code == 303
        me = (await client.get("/api/v1/me", headers=JSON)).json()
        assert me["person_id"] == str(home.people["lecturer"].id)
        page = await client.get(f"/offerings/{home.offering.id}/roster")
        assert page.status_code == 200
        assert BANNER in page.text
        refused = await client.get(f"/offerings/{home.other_offering.id}/roster")
        assert refused.status_code == 404
        assert (await client.get("/settings/sign-in")).status_code == 403
        # Reading the person's own record is a read by somebody else now, and names both.
        assert (await client.get(f"/people/{home.people['lecturer'].id}")).status_code == 200
        entries = select(AuditEntry).where(
            AuditEntry.kind == "read", AuditEntry.person_id == home.people["lecturer"].id
        )
        entry = (await session.scalars(entries)).one()
        assert entry.actor_person_id == home.people["lecturer"].id
        assert entry.changes is not None
        assert entry.changes["masquerader_id"] == str(home.people["administrator"].id)
        assert "an administrator in this person's name" in entry.summary

    async def test_how_they_sign_in_cannot_be_changed(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        await act_as(client, home, "lecturer")
        password = {
            "present_password": PASSWORD,
            "new_password": "another long one",
            "repeated_password": "another long one",
        }
        assert (await client.post("/account/password", data=password)).status_code == 403
        assert (await client.post("/account/security/app")).status_code == 403
        assert (await client.post("/account/sessions/end-others")).status_code == 403
        assert (await act_as(client, home, "student0")).status_code == 403

    async def test_it_ends_with_one_button(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        await act_as(client, home, "lecturer")
        assert (await client.post("/masquerade/end")).status_code == 303
        page = await client.get("/settings/sign-in")
        assert page.status_code == 200
        assert BANNER not in page.text
        entries = select(AuditEntry.action, AuditEntry.actor_person_id).where(AuditEntry.action.like("masquerade.%"))
        administrator = home.people["administrator"].id
        assert {tuple(row) for row in await session.execute(entries)} == {
            ("masquerade.begun", administrator),
            ("masquerade.ended", administrator),
        }

    async def test_it_ends_after_an_hour(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        await act_as(client, home, "lecturer")
        async with as_actor(session, system_actor("test")):
            over = clock.now() - timedelta(seconds=1)
            acting = update(AccountSession).where(AccountSession.masquerades_as.is_not(None))
            await session.execute(acting.values(masquerade_until=over))
        _actors.clear()
        me = (await client.get("/api/v1/me", headers=JSON)).json()
        assert me["person_id"] == str(home.people["administrator"].id)

    async def test_signing_out_ends_both(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        await act_as(client, home, "lecturer")
        assert (await client.post("/sign-out")).status_code == 303
        assert (await client.get("/account")).headers["location"].startswith("/sign-in")
