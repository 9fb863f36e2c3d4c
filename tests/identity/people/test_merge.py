"""Merging two people: no row that refers to them is lost, whatever table it is in."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select, text, update

from academe.identity.errors import MergeRefusedError
from academe.identity.models import Account, Person, PersonParticulars, RoleGrant
from academe.identity.people_merge.service import MAY_STAY, merge_people, preview_merge
from academe.identity.privacy.holds.models import LegalHold
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.types import RectifiedField
from academe.identity.types import PersonStatus, Role
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.discovery import import_models
from academe.platform.database.session import Session
from academe.platform.encryption import PersonText
from academe.platform.errors import PermissionDeniedError
from tests.identity.conftest import SignIn
from tests.schools import GRANTED_ON, School
from tests.support.transactions import as_actor
from tests.test_role_matrix import make_rows

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}

REFERRING = sorted(
    (table.name, column.name)
    for table in import_models().tables.values()
    for column in table.columns
    if any(key.target_fullname == "person.id" for key in column.foreign_keys)
)


async def twin(session: Session, school: School, name: str = "Twin") -> Person:
    """Somebody of whom nothing is known yet."""
    async with as_actor(session, system_actor("test")):
        person = Person(institution_id=school.institution.id, display_name=name)
        session.add(person)
        await session.flush()
    return person


async def references(session: Session, person_id: UUID) -> dict[str, int]:
    """How many rows of each table refer to somebody."""
    counts = {}
    for table, column in REFERRING:
        rows = await session.scalar(text(f"SELECT count(*) FROM {table} WHERE {column} = :id"), {"id": person_id})
        if rows:
            counts[f"{table}.{column}"] = rows
    return counts


class TestMerge:
    async def test_every_row_of_every_table_goes_over(self, session: Session, home: School) -> None:
        async with as_actor(session, system_actor("test")):
            await make_rows(session, home)
            await session.execute(update(LegalHold).values(lifted_at=func.now()))  # one in force forbids a merge
            merged = home.people["student0"]
            survivor = await twin(session, home)
            before = await references(session, merged.id)
            assert len(before) > 10, before
            unmoved = {"person_particulars.person_id"}
            await merge_people(session, actor=home.actor("administrator"), survivor_id=survivor.id, merged_id=merged.id)
            after, left = await references(session, survivor.id), await references(session, merged.id)
        for place, rows in before.items():
            if place not in unmoved:
                assert after.get(place, 0) + left.get(place, 0) >= rows, place
                assert after.get(place, 0) >= rows, f"{place} stays with the merged person"

    def test_fields_that_are_encrypted_for_a_person_are_merged_one_by_one(self) -> None:
        """A row of another table could not be read by the survivor: say in `people_merge` what becomes of it."""
        encrypted = {
            table.name
            for table in import_models().tables.values()
            if any(isinstance(column.type, PersonText) for column in table.columns)
            and any(name == table.name for name, _ in REFERRING)
        }
        assert encrypted == {"person_particulars", "rectification_request"}

    def test_what_may_stay_is_there(self) -> None:
        assert set(MAY_STAY) <= {table for table, _ in REFERRING}

    async def test_requests_for_corrections_stay_readable(self, session: Session, home: School) -> None:
        merged, survivor = home.people["student0"], await twin(session, home)
        async with as_actor(session, system_actor("test")):
            asked = {"institution_id": home.institution.id, "person_id": merged.id, "field": RectifiedField.OTHER}
            session.add(RectificationRequest(**asked, wanted="Another number", reason="It is wrong"))
            await session.flush()
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            await preview_merge(session, actor=actor, survivor_id=survivor.id, merged_id=merged.id)
            await merge_people(session, actor=actor, survivor_id=survivor.id, merged_id=merged.id)
        survivor_id = survivor.id
        session.expire_all()
        columns = (RectificationRequest.person_id, RectificationRequest.wanted, RectificationRequest.reason)
        assert (await session.execute(select(*columns))).one() == (survivor_id, "Another number", "It is wrong")

    async def test_particulars_are_merged_by_field(self, session: Session, home: School) -> None:
        merged, survivor = home.people["student0"], await twin(session, home)
        async with as_actor(session, system_actor("test")):
            theirs = await session.get(PersonParticulars, merged.id)
            assert theirs is not None
            theirs.phone, theirs.date_of_birth = "+44 1", "2001-02-03"
            session.add(PersonParticulars(person_id=survivor.id, phone="+44 2"))
            await session.flush()
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            merge = await merge_people(session, actor=actor, survivor_id=survivor.id, merged_id=merged.id)
        assert merge.differing == ["phone"]
        kept = await session.get(PersonParticulars, survivor.id, populate_existing=True)
        assert kept is not None
        assert (kept.phone, kept.date_of_birth) == ("+44 2", "2001-02-03")

    async def test_the_merged_leads_to_the_survivor_and_signs_in_no_more(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        merged, survivor = home.people["advisor"], home.people["colleague"]
        browser = await sign_in_as(home, "advisor")
        administrator = await sign_in_as(home, "administrator")
        address = f"/people/{survivor.id}/merge"
        assert "Advisor of home" in (await administrator.get(f"{address}?q=advisor")).text
        preview = await administrator.get(f"{address}/{merged.id}")
        assert "Role grant" in preview.text
        assert (await browser.get("/account")).status_code == 200, "nothing has happened yet"
        assert (await administrator.post(f"{address}/{merged.id}")).status_code == 303
        led = await administrator.get(f"/people/{merged.id}")
        assert led.headers["location"] == f"/people/{survivor.id}"
        asked = await administrator.get(f"/api/v1/people/{merged.id}", headers=JSON)
        assert asked.headers["location"] == f"/api/v1/people/{survivor.id}"
        assert (await browser.get("/account")).headers["location"].startswith("/sign-in")
        held = select(RoleGrant.role).where(RoleGrant.person_id == survivor.id)
        assert Role.ADVISOR in await session.scalars(held)
        assert await session.scalar(select(Account.is_active).where(Account.person_id == merged.id)) is False
        again = await administrator.post(f"/people/{merged.id}/status", data={"status": "active"})
        assert again.status_code == 409
        actions = select(func.count()).where(AuditEntry.action.in_(["person.merged_with", "person.merged_into"]))
        assert await session.scalar(actions) == 2


class TestRefusals:
    async def test_two_student_records_are_refused_by_name(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        one, other = home.people["student0"], home.people["student1"]
        administrator = await sign_in_as(home, "administrator")
        page = await administrator.get(f"/people/{one.id}/merge/{other.id}")
        assert page.status_code == 409
        assert "Both have a student record." in page.text
        answer = await administrator.post(
            f"/api/v1/people/{one.id}/merge", json={"merged_id": str(other.id)}, headers=JSON
        )
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["field"] == "student_record"
        await session.refresh(other)
        assert (other.merged_into_id, other.status) == (None, PersonStatus.ACTIVE)

    async def test_roles_held_by_both_stay(self, session: Session, home: School) -> None:
        one, other = home.people["advisor"], await twin(session, home)
        async with as_actor(session, system_actor("test")):
            session.add(
                RoleGrant(person_id=other.id, org_unit_id=home.department.id, role=Role.ADVISOR, starts_on=GRANTED_ON)
            )
            await session.flush()
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            merge = await preview_merge(session, actor=actor, survivor_id=one.id, merged_id=other.id)
        assert [(each.table, each.moved, each.stayed) for each in merge.rows] == [("role_grant", 0, 1)]
        assert merge.merged.status is PersonStatus.ACTIVE

    async def test_who_may_and_may_not(self, session: Session, home: School, away: School) -> None:
        one, other = await twin(session, home), await twin(session, home)
        abroad = await twin(session, away)
        registrar, administrator = home.actor("registrar"), home.actor("administrator")
        async with as_actor(session, registrar):
            with pytest.raises(PermissionDeniedError):
                await merge_people(session, actor=registrar, survivor_id=one.id, merged_id=other.id)
        async with as_actor(session, system_actor("test")):
            with pytest.raises(MergeRefusedError):
                await merge_people(session, actor=system_actor("test"), survivor_id=one.id, merged_id=abroad.id)
        async with as_actor(session, administrator):
            for survivor, merged in ((one, one), (one, home.people["administrator"])):
                with pytest.raises(MergeRefusedError):
                    await merge_people(session, actor=administrator, survivor_id=survivor.id, merged_id=merged.id)

    async def test_anonymous_and_staff(self, browser: httpx.AsyncClient, home: School, sign_in_as: SignIn) -> None:
        one, other = home.people["student0"].id, home.people["student1"].id
        assert (await browser.get(f"/people/{one}/merge")).headers["location"].startswith("/sign-in")
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.get(f"/people/{one}/merge")).status_code == 403
        assert (await registrar.post(f"/people/{one}/merge/{other}")).status_code == 403
