"""The verbs of the organisation tree, of people and of roles: nobody, somebody next door, somebody who may."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from academe.identity import api
from academe.identity.errors import (
    AddressInUseError,
    CodeInUseError,
    LastAdministratorError,
    OrgUnitNotFoundError,
    PersonKnownError,
    PersonNotFoundError,
    RoleGrantNotFoundError,
    RoleHeldError,
    WeakPasswordError,
)
from academe.identity.models import Account, OrgUnit, Person, PersonParticulars, RoleGrant
from academe.identity.queries import held_roles, role_scopes
from academe.identity.sign_in.breached import BreachedPasswords
from academe.identity.sign_in.service import create_account, set_password
from academe.identity.types import OrgUnitKind, PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from academe.platform.ids import new_id
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

SYSTEM = system_actor("test")
MAY_NOT_ADMINISTER = ("student0", "lecturer", "convenor", "advisor", "registrar", "auditor")


async def actions(session: Session, actor: Actor = SYSTEM) -> list[str]:
    """What the audit says was done in this transaction, which ends here as the actor's."""
    async with as_actor(session, actor):
        await session.finish()
    async with as_actor(session, SYSTEM):
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


async def grant_of(session: Session, school: School, who: str) -> RoleGrant:
    """The one role that somebody of the fixture holds at a node."""
    found = await session.execute(select(RoleGrant).where(RoleGrant.person_id == school.people[who].id))
    return found.scalar_one()


class TestCreateInstitution:
    async def test_anonymous(self, session: Session) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await api.create_institution(session, actor=ANONYMOUS, code="new", name="New")

    async def test_administrators_of_another_may_not(self, session: Session, home: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await api.create_institution(session, actor=home.actor("administrator"), code="new", name="New")

    async def test_the_system_makes_a_root(self, session: Session) -> None:
        institution = await api.create_institution(session, actor=SYSTEM, code="new", name="New")
        assert institution.institution_id == institution.id
        assert await actions(session) == ["org_unit.created"]


class TestCreateOrgUnit:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.add(session, ANONYMOUS, home)

    @pytest.mark.parametrize("who", MAY_NOT_ADMINISTER)
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, home.actor(who), home)

    async def test_the_administrator_next_door_may_not(self, session: Session, home: School, away: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, away.actor("administrator"), home)

    async def test_an_administrator_of_the_part_may(self, session: Session, home: School) -> None:
        actor = home.actor("faculty_administrator")
        async with as_actor(session, actor):
            node = await self.add(session, actor, home)
        assert node.institution_id == home.institution.id
        assert await actions(session, actor) == ["org_unit.created"]
        below = set(await session.scalars(api.subtree(home.faculty.id)))
        assert below == {home.faculty.id, home.department.id, node.id}

    async def test_codes_are_unique(self, session: Session, home: School) -> None:
        with pytest.raises(CodeInUseError):
            await self.add(session, SYSTEM, home, code="MATH")

    async def test_there_is_one_institution_in_a_tree(self, session: Session, home: School) -> None:
        with pytest.raises(InvalidInputError):
            await self.add(session, SYSTEM, home, kind=OrgUnitKind.INSTITUTION)

    async def test_there_must_be_something_above(self, session: Session) -> None:
        with pytest.raises(OrgUnitNotFoundError):
            await api.create_org_unit(
                session, actor=SYSTEM, parent_id=new_id(), kind=OrgUnitKind.SCHOOL, code="X", name="X"
            )

    async def add(self, session: Session, actor: Actor, school: School, **changes: object) -> OrgUnit:
        values = {"kind": OrgUnitKind.DEPARTMENT, "code": "CHEM", "name": "Chemistry"} | changes
        return await api.create_org_unit(session, actor=actor, parent_id=school.faculty.id, **values)  # type: ignore[arg-type]


class TestCreatePerson:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.add(session, ANONYMOUS, home)

    @pytest.mark.parametrize("who", ["student0", "lecturer", "convenor", "advisor", "auditor", "faculty_administrator"])
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, home.actor(who), home)

    async def test_the_registrar_next_door_may_not(self, session: Session, home: School, away: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, away.actor("registrar"), home)

    @pytest.mark.parametrize("who", ["registrar", "administrator"])
    async def test_those_who_register_people_may(self, session: Session, home: School, who: str) -> None:
        async with as_actor(session, home.actor(who)):
            person = await self.add(session, home.actor(who), home)
        assert person.display_name == "New Person"
        assert await actions(session, home.actor(who)) == ["person.created"]

    async def test_a_person_is_known_once(self, session: Session, home: School) -> None:
        with pytest.raises(PersonKnownError):
            await self.add(session, SYSTEM, home, sourced_id="lecturer")

    @pytest.mark.parametrize("name", ["", "   ", "x" * 201])
    async def test_a_person_has_a_name(self, session: Session, home: School, name: str) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await self.add(session, SYSTEM, home, display_name=name)
        assert [error.field for error in refused.value.errors] == ["display_name"]

    async def add(self, session: Session, actor: Actor, school: School, **changes: str) -> Person:
        values = {"display_name": " New Person "} | changes
        return await api.create_person(session, actor=actor, institution_id=school.institution.id, **values)


class TestSetParticulars:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.change(session, ANONYMOUS, home)

    async def test_somebody_next_door_does_not_know_the_person(
        self, session: Session, home: School, away: School
    ) -> None:
        with pytest.raises(PersonNotFoundError):
            await self.change(session, away.actor("administrator"), home)

    @pytest.mark.parametrize("who", ["lecturer", "convenor", "advisor", "auditor"])
    async def test_staff_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.change(session, home.actor(who), home)

    @pytest.mark.parametrize("who", ["student0", "registrar", "administrator"])
    async def test_the_person_and_those_who_register_may(self, session: Session, home: School, who: str) -> None:
        async with as_actor(session, home.actor(who)):
            await self.change(session, home.actor(who), home)
        person_id = home.people["student0"].id
        session.expunge_all()
        stored = await session.get_one(PersonParticulars, person_id)
        assert (stored.phone, stored.date_of_birth) == ("+44 20 7946 0000", "2005-03-14")
        assert await actions(session, home.actor(who)) == ["person.particulars_changed"]

    async def test_phone_and_birth_are_unreadable_in_the_database(self, session: Session, home: School) -> None:
        await self.change(session, SYSTEM, home)
        connection = await session.connection()
        row = await connection.exec_driver_sql("SELECT phone, date_of_birth FROM person_particulars WHERE phone <> ''")
        for stored in row.one():
            assert b"7946" not in stored
            assert b"2005" not in stored

    async def change(self, session: Session, actor: Actor, school: School) -> None:
        await api.set_particulars(
            session,
            actor=actor,
            person_id=school.people["student0"].id,
            contact_email="new@home.example",
            phone="+44 20 7946 0000",
            date_of_birth=date(2005, 3, 14),
        )


class TestSetPersonStatus:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.deactivate(session, ANONYMOUS, home)

    @pytest.mark.parametrize("who", ["lecturer", "advisor", "registrar", "auditor", "faculty_administrator"])
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.deactivate(session, home.actor(who), home)

    async def test_an_administrator_may(self, session: Session, home: School) -> None:
        await self.deactivate(session, home.actor("administrator"), home)
        assert home.people["student0"].status is PersonStatus.DEACTIVATED
        assert await actions(session, home.actor("administrator")) == ["person.status_changed"]

    async def deactivate(self, session: Session, actor: Actor, school: School) -> None:
        person_id = school.people["student0"].id
        await api.set_person_status(session, actor=actor, person_id=person_id, status=PersonStatus.DEACTIVATED)


class TestCreateAccount:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.add(session, ANONYMOUS, home)

    @pytest.mark.parametrize("who", [*MAY_NOT_ADMINISTER, "faculty_administrator"])
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, home.actor(who), home)

    async def test_the_administrator_next_door_may_not(self, session: Session, home: School, away: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.add(session, away.actor("administrator"), home)

    async def test_an_administrator_may(self, session: Session, home: School) -> None:
        actor = home.actor("administrator")
        async with as_actor(session, actor):
            account = await self.add(session, actor, home)
        assert account.email == "new.person@home.example"
        assert account.password_hash is None
        assert await actions(session, actor) == ["account.created"]

    async def test_an_address_signs_one_person_in(self, session: Session, home: School) -> None:
        with pytest.raises(AddressInUseError):
            await self.add(session, SYSTEM, home, email="LECTURER@home.example")

    @pytest.mark.parametrize("email", ["", "nobody", "@home.example", "some body@home.example", "x" * 251 + "@a.b"])
    async def test_an_address_is_one(self, session: Session, home: School, email: str) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await self.add(session, SYSTEM, home, email=email)
        assert [error.field for error in refused.value.errors] == ["email"]

    async def test_nobody_may_be_unknown(self, session: Session) -> None:
        with pytest.raises(PersonNotFoundError):
            await create_account(session, actor=SYSTEM, person_id=new_id(), email="a@b.example")

    async def add(self, session: Session, actor: Actor, school: School, **changes: str) -> Account:
        async with as_actor(session, SYSTEM):
            person = Person(institution_id=school.institution.id, display_name="New Person")
            session.add(person)
            await session.flush()
        values = {"email": " new.person@home.example "} | changes
        return await create_account(session, actor=actor, person_id=person.id, **values)


class TestSetPassword:
    async def test_people_may_not_set_the_password_of_others(self, session: Session, home: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await set_password(
                session,
                actor=home.actor("administrator"),
                account_id=home.accounts["student0"].id,
                password="four quiet words here",
                breached=BreachedPasswords(),
            )

    async def test_the_operator_may(self, session: Session, home: School) -> None:
        account = home.accounts["student0"]
        await self.change(session, account, "four quiet words here")
        assert account.password_hash is not None
        assert account.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert await actions(session) == ["account.password_set"]

    async def test_a_weak_password_is_refused(self, session: Session, home: School) -> None:
        with pytest.raises(WeakPasswordError):
            await self.change(session, home.accounts["student0"], "password")

    async def change(self, session: Session, account: Account, password: str) -> None:
        await set_password(
            session, actor=SYSTEM, account_id=account.id, password=password, breached=BreachedPasswords()
        )


class TestGrantRole:
    async def test_anonymous(self, session: Session, home: School) -> None:
        with pytest.raises(AuthenticationRequiredError):
            await self.grant(session, ANONYMOUS, home)

    @pytest.mark.parametrize("who", MAY_NOT_ADMINISTER)
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.grant(session, home.actor(who), home)

    async def test_nobody_raises_their_own_rights(self, session: Session, home: School) -> None:
        """An administrator of a faculty cannot administer the institution."""
        with pytest.raises(PermissionDeniedError):
            await self.grant(
                session, home.actor("faculty_administrator"), home, "institution", Role.ADMINISTRATOR,
                "faculty_administrator",
            )  # fmt: skip

    async def test_the_administrator_next_door_may_not(self, session: Session, home: School, away: School) -> None:
        with pytest.raises(PermissionDeniedError):
            await self.grant(session, away.actor("administrator"), home)

    async def test_people_of_another_institution_cannot_hold_it(
        self, session: Session, home: School, away: School
    ) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await api.grant_role(
                session,
                actor=SYSTEM,
                person_id=away.people["lecturer"].id,
                org_unit_id=home.department.id,
                role=Role.ADVISOR,
            )
        assert [error.field for error in refused.value.errors] == ["org_unit_id"]

    async def test_an_administrator_of_the_part_may(self, session: Session, home: School) -> None:
        actor = home.actor("faculty_administrator")
        async with as_actor(session, actor):
            grant = await self.grant(session, actor, home)
        assert grant.starts_on == clock.now().date()
        assert await actions(session, actor) == ["role.granted"]

    async def test_it_flows_down_the_tree_and_not_up(self, session: Session, home: School) -> None:
        await self.grant(session, SYSTEM, home)
        scopes = await role_scopes(session, home.people["colleague"].id)
        assert {(scope.role, scope.org_unit_id) for scope in scopes} == {
            ("advisor", home.faculty.id),
            ("advisor", home.department.id),
        }

    async def test_it_holds_on_its_days_alone(self, session: Session, home: School) -> None:
        first, last = date(2026, 9, 1), date(2026, 12, 31)
        await api.grant_role(
            session,
            actor=SYSTEM,
            person_id=home.people["colleague"].id,
            org_unit_id=home.department.id,
            role=Role.ADVISOR,
            starts_on=first,
            ends_on=last,
        )
        for day, held in ((first - timedelta(days=1), 0), (first, 1), (last, 1), (last + timedelta(days=1), 0)):
            with clock.frozen(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)):
                assert len(await role_scopes(session, home.people["colleague"].id)) == held, day

    async def test_it_is_held_once_at_a_time(self, session: Session, home: School) -> None:
        await self.grant(session, SYSTEM, home)
        with pytest.raises(RoleHeldError):
            await self.grant(session, SYSTEM, home)

    async def test_the_last_day_is_not_before_the_first(self, session: Session, home: School) -> None:
        with pytest.raises(InvalidInputError) as refused:
            await api.grant_role(
                session,
                actor=SYSTEM,
                person_id=home.people["colleague"].id,
                org_unit_id=home.department.id,
                role=Role.ADVISOR,
                starts_on=date(2026, 9, 2),
                ends_on=date(2026, 9, 1),
            )
        assert [error.field for error in refused.value.errors] == ["ends_on"]

    async def grant(
        self,
        session: Session,
        actor: Actor,
        school: School,
        where: str = "faculty",
        role: Role = Role.ADVISOR,
        who: str = "colleague",
    ) -> RoleGrant:
        nodes = {"institution": school.institution, "faculty": school.faculty}
        return await api.grant_role(
            session, actor=actor, person_id=school.people[who].id, org_unit_id=nodes[where].id, role=role
        )


class TestEndRole:
    async def test_anonymous(self, session: Session, home: School) -> None:
        grant = await grant_of(session, home, "advisor")
        with pytest.raises(AuthenticationRequiredError):
            await api.end_role(session, actor=ANONYMOUS, grant_id=grant.id)

    @pytest.mark.parametrize("who", MAY_NOT_ADMINISTER)
    async def test_others_may_not(self, session: Session, home: School, who: str) -> None:
        grant = await grant_of(session, home, "advisor")
        with pytest.raises(PermissionDeniedError):
            await api.end_role(session, actor=home.actor(who), grant_id=grant.id)

    async def test_the_administrator_next_door_does_not_know_it(
        self, session: Session, home: School, away: School
    ) -> None:
        grant = await grant_of(session, home, "advisor")
        session.expunge_all()
        async with as_actor(session, away.actor("administrator")):
            with pytest.raises(RoleGrantNotFoundError):
                await api.end_role(session, actor=away.actor("administrator"), grant_id=grant.id)

    async def test_it_ends_at_once(self, session: Session, home: School) -> None:
        grant = await grant_of(session, home, "advisor")
        actor = home.actor("faculty_administrator")
        async with as_actor(session, actor):
            await api.end_role(session, actor=actor, grant_id=grant.id)
        assert await role_scopes(session, home.people["advisor"].id) == ()
        assert await actions(session, actor) == ["role.ended"]

    async def test_it_can_be_taken_back_on_its_first_day(self, session: Session, home: School) -> None:
        grant = await api.grant_role(
            session,
            actor=SYSTEM,
            person_id=home.people["colleague"].id,
            org_unit_id=home.department.id,
            role=Role.ADVISOR,
        )
        await api.end_role(session, actor=SYSTEM, grant_id=grant.id)
        assert await held_roles(session, home.people["colleague"].id) == []
        assert await role_scopes(session, home.people["colleague"].id) == ()

    async def test_an_institution_keeps_an_administrator(self, session: Session, home: School) -> None:
        last = await grant_of(session, home, "administrator")
        with pytest.raises(LastAdministratorError):
            await api.end_role(session, actor=home.actor("administrator"), grant_id=last.id)
        await api.grant_role(
            session,
            actor=SYSTEM,
            person_id=home.people["registrar"].id,
            org_unit_id=home.institution.id,
            role=Role.ADMINISTRATOR,
        )
        await api.end_role(session, actor=home.actor("administrator"), grant_id=last.id)
        assert await role_scopes(session, home.people["administrator"].id) == ()
