"""The organisation tree, as verbs, programs, pages and the database meet it."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from academe.identity.access.tree.service import change_org_unit, close_org_unit, move_org_unit, remove_org_unit
from academe.identity.errors import CodeInUseError, NodeClosedError, NodeInUseError, OrgUnitNotFoundError
from academe.identity.models import OrgUnit
from academe.identity.service import create_org_unit, grant_role
from academe.identity.types import OrgUnitKind, Role
from academe.platform.actor import ANONYMOUS, system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import AuthenticationRequiredError, InvalidInputError, PermissionDeniedError
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def add_node(session: Session, parent: OrgUnit, code: str) -> OrgUnit:
    return await create_org_unit(
        session,
        actor=system_actor("test"),
        parent_id=parent.id,
        kind=OrgUnitKind.DEPARTMENT,
        code=code,
        name=f"Department {code}",
    )


class TestChange:
    async def test_only_administrators_of_the_node(self, session: Session, home: School, away: School) -> None:
        wanted = {"kind": OrgUnitKind.SCHOOL, "code": "X", "name": "X"}
        with pytest.raises(AuthenticationRequiredError):
            await change_org_unit(session, actor=ANONYMOUS, org_unit_id=home.faculty.id, **wanted)  # type: ignore[arg-type]
        with pytest.raises(OrgUnitNotFoundError):
            await change_org_unit(
                session,
                actor=away.actor("administrator"),
                org_unit_id=home.faculty.id,
                **wanted,  # type: ignore[arg-type]
            )
        for who, node in (("registrar", home.faculty), ("faculty_administrator", home.other_department)):
            with pytest.raises(PermissionDeniedError):
                await change_org_unit(session, actor=home.actor(who), org_unit_id=node.id, **wanted)  # type: ignore[arg-type]

    async def test_renamed_with_an_entry(self, session: Session, home: School) -> None:
        actor = home.actor("faculty_administrator")
        async with as_actor(session, actor):
            await change_org_unit(
                session,
                actor=actor,
                org_unit_id=home.department.id,
                kind=OrgUnitKind.SCHOOL,
                code="MATHS",
                name="  School of   Mathematics ",
            )
            await session.finish()
        assert (home.department.code, home.department.name) == ("MATHS", "School of Mathematics")
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "org_unit.renamed"))).one()
        assert entry.changes == {
            "kind": ["department", "school"],
            "code": ["MATH", "MATHS"],
            "name": ["Department of Mathematics", "School of Mathematics"],
        }

    @pytest.mark.parametrize(
        ("values", "error"),
        [
            ({"code": "HIST"}, CodeInUseError),
            ({"name": " "}, InvalidInputError),
            ({"code": "x" * 41}, InvalidInputError),
            ({"kind": OrgUnitKind.INSTITUTION}, InvalidInputError),
        ],
    )
    async def test_bad_input_changes_nothing(
        self, session: Session, home: School, values: dict[str, str], error: type[Exception]
    ) -> None:
        given = {"kind": OrgUnitKind.DEPARTMENT, "code": "MATH", "name": "Mathematics"} | values
        with pytest.raises(error):
            await change_org_unit(
                session,
                actor=home.actor("administrator"),
                org_unit_id=home.department.id,
                **given,  # type: ignore[arg-type]
            )
        await session.refresh(home.department)
        assert (home.department.code, home.department.name) == ("MATH", "Department of Mathematics")


class TestMove:
    async def test_moved_with_what_lies_below(self, session: Session, home: School) -> None:
        moved = await move_org_unit(
            session,
            actor=home.actor("administrator"),
            org_unit_id=home.other_department.id,
            parent_id=home.faculty.id,
        )
        assert moved.parent_id == home.faculty.id
        # The administrator of the faculty has it from now on, at the database too.
        async with as_actor(session, home.actor("faculty_administrator")):
            found = set((await session.scalars(text("SELECT actor_org_units('{administrator}')"))).all())
        assert home.other_department.id in found

    async def test_never_a_circle(self, session: Session, home: School) -> None:
        administrator = home.actor("administrator")
        for below in (home.faculty, home.department):
            with pytest.raises(InvalidInputError) as refused:
                await move_org_unit(session, actor=administrator, org_unit_id=home.faculty.id, parent_id=below.id)
            assert refused.value.errors[0].field == "parent_id"
        with pytest.raises(InvalidInputError):
            await move_org_unit(
                session, actor=administrator, org_unit_id=home.institution.id, parent_id=home.faculty.id
            )

    async def test_the_database_refuses_a_circle_and_another_institution(
        self, session: Session, home: School, away: School
    ) -> None:
        move = text("UPDATE org_unit SET parent_id = :above WHERE id = :node")
        for node, above in (
            (home.faculty, home.department),
            (home.faculty, home.faculty),
            (home.faculty, away.faculty),
        ):
            with pytest.raises(DBAPIError, match=r"below itself|another institution"):
                async with session.begin_nested():
                    await session.execute(move, {"node": node.id, "above": above.id})

    async def test_both_places_must_be_the_actors(self, session: Session, home: School) -> None:
        actor = home.actor("faculty_administrator")
        for node, above in ((home.department, home.institution), (home.other_department, home.faculty)):
            with pytest.raises(PermissionDeniedError):
                await move_org_unit(session, actor=actor, org_unit_id=node.id, parent_id=above.id)
        async with as_actor(session, actor):
            with pytest.raises(DBAPIError, match="not the actor's"):
                async with session.begin_nested():
                    await session.execute(
                        text("UPDATE org_unit SET parent_id = :above WHERE id = :node"),
                        {"node": home.department.id, "above": home.institution.id},
                    )
            moved = await session.execute(
                text("UPDATE org_unit SET name = 'Mine' WHERE id = :node RETURNING id"),
                {"node": home.other_department.id},
            )
            assert moved.all() == []
            with pytest.raises(DBAPIError, match="row-level security"):
                async with session.begin_nested():
                    await session.execute(
                        text(
                            "INSERT INTO org_unit (id, institution_id, parent_id, kind, code, name)"
                            " VALUES (gen_random_uuid(), :root, :root, 'faculty', 'NEW', 'New')"
                        ),
                        {"root": home.institution.id},
                    )


class TestClose:
    async def test_closed_nodes_get_nothing_new(self, session: Session, home: School) -> None:
        actor = home.actor("administrator")
        with pytest.raises(NodeInUseError):
            await close_org_unit(session, actor=actor, org_unit_id=home.faculty.id)
        await close_org_unit(session, actor=actor, org_unit_id=home.department.id)
        with pytest.raises(NodeClosedError):
            await add_node(session, home.department, "SUB")
        with pytest.raises(NodeClosedError):
            await grant_role(
                session,
                actor=actor,
                person_id=home.people["colleague"].id,
                org_unit_id=home.department.id,
                role=Role.ADVISOR,
            )
        with pytest.raises(NodeClosedError):
            await move_org_unit(
                session, actor=actor, org_unit_id=home.other_department.id, parent_id=home.department.id
            )
        with pytest.raises(DBAPIError, match="closed"):
            async with session.begin_nested():
                await session.execute(
                    text("UPDATE org_unit SET parent_id = :above WHERE id = :node"),
                    {"node": home.other_department.id, "above": home.department.id},
                )
        opened = await close_org_unit(session, actor=actor, org_unit_id=home.department.id, closed=False)
        assert opened.closed_on is None
        assert (await add_node(session, home.department, "SUB")).parent_id == home.department.id

    async def test_the_institution_stays_open(self, session: Session, home: School) -> None:
        with pytest.raises(InvalidInputError):
            await close_org_unit(session, actor=home.actor("administrator"), org_unit_id=home.institution.id)


class TestRemove:
    async def test_only_what_is_empty(self, session: Session, home: School) -> None:
        actor = home.actor("administrator")
        for node in (home.faculty, home.department, home.other_department):  # parts, roles, offerings
            with pytest.raises(NodeInUseError):
                await remove_org_unit(session, actor=actor, org_unit_id=node.id)
        empty = await add_node(session, home.faculty, "EMPTY")
        await remove_org_unit(session, actor=system_actor("test"), org_unit_id=empty.id)
        assert (await session.scalars(select(OrgUnit.id).where(OrgUnit.code == "EMPTY"))).all() == []


class TestPagesAndPrograms:
    async def test_who_sees_it(
        self, browser: httpx.AsyncClient, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        assert (await browser.get("/organisation")).headers["location"].startswith("/sign-in")
        assert (await browser.get("/api/v1/org-units", headers=JSON)).status_code == 401
        student = await sign_in_as(home, "student0")
        assert (await student.get("/organisation")).status_code == 403
        assert (await student.get("/api/v1/org-units", headers=JSON)).json()["items"] == []
        stranger = await sign_in_as(away, "administrator")
        assert (await stranger.get(f"/organisation/{home.faculty.id}")).status_code == 404
        lecturer = await sign_in_as(home, "lecturer")
        shown = (await lecturer.get("/organisation")).text
        assert "Faculty of Science" in shown
        assert "away" not in shown
        page = (await lecturer.get(f"/organisation/{home.department.id}")).text
        assert "Add a part below it" not in page
        assert (await lecturer.get(f"/organisation/{home.department.id}/add")).status_code == 403
        answer = await lecturer.post(
            f"/organisation/{home.department.id}/move", data={"parent_id": str(home.faculty.id)}
        )
        assert answer.status_code == 403

    async def test_an_administrator_shapes_it(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        added = f"/organisation/{home.faculty.id}/add"
        assert (await client.get(added)).status_code == 200
        refused = await client.post(added, data={"kind": "school", "code": "HIST", "name": "History again"})
        assert refused.status_code == 409
        assert "is already used" in refused.text
        refused = await client.post(added, data={"kind": "palace", "code": "NEW", "name": ""})
        assert refused.status_code == 422
        assert "Please fill this in." in refused.text
        answer = await client.post(added, data={"kind": "school", "code": "PHYS", "name": "School of Physics"})
        assert answer.status_code == 303
        made = answer.headers["location"]
        assert "School of Physics" in (await client.get(made)).text
        answer = await client.post(f"{made}/names", data={"kind": "school", "code": "PHYS", "name": "Physics"})
        assert answer.status_code == 303
        answer = await client.post(f"{made}/move", data={"parent_id": str(home.other_department.id)})
        assert answer.status_code == 303
        answer = await client.post(
            f"/organisation/{home.other_department.id}/move", data={"parent_id": made.rpartition("/")[2]}
        )
        assert answer.status_code == 422
        assert "cannot lie below itself" in answer.text
        assert (await client.post(f"{made}/closed", data={"closed": "true"})).status_code == 303
        assert "gets nothing new" in (await client.get(made)).text
        assert (await client.post(f"{made}/remove")).status_code == 303
        assert (await client.get(made)).status_code == 404
        assert (await client.post(f"/organisation/{home.other_department.id}/remove")).status_code == 409
        actions = set(await session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("org_unit.%"))))
        assert actions >= {f"org_unit.{each}" for each in ("created", "renamed", "moved", "closed", "removed")}

    async def test_a_program_shapes_it(self, home: School, sign_in_as: SignIn) -> None:
        client = await sign_in_as(home, "administrator")
        path = "/api/v1/org-units"
        body = {"parent_id": str(home.faculty.id), "kind": "school", "code": "PHYS", "name": "Physics"}
        made = (await client.post(path, json=body, headers=JSON)).json()
        UUID(made["id"])
        assert (await client.post(path, json=body, headers=JSON)).status_code == 409
        assert (await client.post(path, json=body | {"code": ""}, headers=JSON)).status_code == 422
        codes = [each["code"] for each in (await client.get(path, headers=JSON)).json()["items"]]
        assert codes == sorted(codes)
        assert "PHYS" in codes
        one = f"{path}/{made['id']}"
        renamed = await client.put(one, json={"kind": "school", "code": "PH", "name": "Ph"}, headers=JSON)
        assert renamed.json()["code"] == "PH"
        moved = await client.put(f"{one}/parent", json={"parent_id": str(home.institution.id)}, headers=JSON)
        assert moved.json()["parent_id"] == str(home.institution.id)
        circle = await client.put(
            f"{path}/{home.faculty.id}/parent", json={"parent_id": str(home.department.id)}, headers=JSON
        )
        assert circle.status_code == 422
        assert circle.json()["errors"][0]["field"] == "parent_id"
        closed = await client.put(f"{one}/closed", json={"closed": True}, headers=JSON)
        assert closed.json()["closed_on"] is not None
        assert (await client.get(one, headers=JSON)).json() == closed.json()
        assert (await client.delete(one, headers=JSON)).status_code == 204
        assert (await client.get(one, headers=JSON)).status_code == 404
