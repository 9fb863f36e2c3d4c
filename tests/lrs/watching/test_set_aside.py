"""The page and JSON of statements that were set aside: who sees and dismisses them, and what is left."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import select, text

from academe.lrs.keys import key_uuid
from academe.lrs.privacy.naming import keys_of_same
from academe.lrs.spool.models import XapiSetAside
from academe.lrs.spool.service import forget_set_aside
from academe.platform.actor import Actor
from academe.platform.database.session import Session
from academe.platform.ids import new_id
from tests.lrs.conftest import ClientOf
from tests.lrs.statements.brought import a_statement
from tests.lrs.watching.conftest import SYSTEM, Sent
from tests.schools import TwoSchools
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

PAGE = "/lrs/set-aside"
API = "/api/v1/lrs/set-aside"
ADA = "mbox:ada@example.com"


@pytest.fixture
async def aside(session: Session, home: Sent, two_schools: TwoSchools) -> UUID:
    """A statement of the first school's sender that has the id of another."""
    id_ = new_id()
    async with as_actor(session, SYSTEM):
        row = XapiSetAside(id=id_, institution_id=two_schools.home.institution.id, sender_id=home.sender.id)
        row.statement_id, row.received_at = home.quiz, datetime(2026, 11, 28, 10, 0, tzinfo=UTC)
        row.agent_keys, row.statement = [key_uuid(ADA)], a_statement(id=str(home.quiz))
        session.add(row)
        await session.flush()
    return id_


class TestWho:
    async def test_nobody_is_asked_to_sign_in(self, client_of: ClientOf, aside: UUID) -> None:
        assert (await client_of().get(PAGE)).status_code == 303
        assert (await client_of().get(API)).status_code == 401
        assert (await client_of().delete(f"{API}/{aside}")).status_code in (401, 403)

    async def test_each_role_sees_its_part(
        self, client_of: ClientOf, aside: UUID, two_schools: TwoSchools, operator: Actor
    ) -> None:
        school = two_schools.home
        for who, reads in (
            (school.actor("administrator"), True),
            (school.actor("auditor"), True),
            (operator, False),
            (school.actor("registrar"), False),
            (school.actor("lecturer"), False),
            (school.actor("student0"), False),
        ):
            for address in (PAGE, API):
                answer = await client_of(who).get(address)
                assert answer.status_code == (200 if reads else 403), (who.label, address)
                assert ("ada@example.com" in answer.text) == reads

    async def test_the_next_school_finds_nothing(
        self, client_of: ClientOf, aside: UUID, two_schools: TwoSchools
    ) -> None:
        client = client_of(two_schools.away.actor("administrator"))
        assert (await client.get(API)).json()["items"] == []
        assert (await client.delete(f"{API}/{aside}")).status_code == 404

    async def test_the_store_says_how_many(
        self, client_of: ClientOf, aside: UUID, two_schools: TwoSchools, operator: Actor
    ) -> None:
        assert (await client_of(operator).get("/api/v1/lrs/figures")).json()["set_aside"] == 1
        page = (await client_of(operator).get("/lrs")).text
        assert "1 statement set aside" in page
        assert PAGE not in page
        assert f'href="{PAGE}"' in (await client_of(two_schools.home.actor("administrator")).get("/lrs")).text
        other = client_of(two_schools.away.actor("administrator"))
        assert (await other.get("/api/v1/lrs/figures")).json()["set_aside"] == 0


class TestDismiss:
    async def test_auditors_may_not(self, client_of: ClientOf, aside: UUID, two_schools: TwoSchools) -> None:
        client = client_of(two_schools.home.actor("auditor"))
        assert "Dismiss" not in (await client.get(PAGE)).text
        assert (await client.delete(f"{API}/{aside}")).status_code == 403
        assert (await client.post(f"{PAGE}/{aside}/dismiss")).status_code == 403

    @pytest.mark.parametrize("by_page", [True, False])
    async def test_it_is_gone_and_leaves_an_entry(
        self, client_of: ClientOf, session: Session, aside: UUID, two_schools: TwoSchools, by_page: bool
    ) -> None:
        client = client_of(two_schools.home.actor("administrator"))
        if by_page:
            assert (await client.post(f"{PAGE}/{aside}/dismiss")).status_code == 303
        else:
            assert (await client.delete(f"{API}/{aside}")).status_code == 204
        assert (await client.get(API)).json()["items"] == []
        async with as_actor(session, SYSTEM):
            found = text("SELECT action FROM audit_entry WHERE subject_id = :id")
            assert (await session.scalars(found, {"id": aside})).all() == ["xapi_set_aside.dismissed"]
        assert (await client.delete(f"{API}/{aside}")).status_code == 404


async def test_whom_it_mentions_can_be_erased(session: Session, aside: UUID) -> None:
    async with as_actor(session, SYSTEM):
        assert await forget_set_aside(session, keys=[key_uuid("mbox:bob@example.com")]) == 0
        assert await forget_set_aside(session, keys=[key_uuid(key) for key in keys_of_same(ADA)]) == 1
        assert (await session.execute(select(XapiSetAside))).all() == []
