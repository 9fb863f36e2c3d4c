"""Rows of tables edited by hand: which, by whom, with what on record, and several at a time."""

import json

import httpx
import pytest
from sqlalchemy import select

from academe.academics.models import Term, Unit
from academe.identity.models import Person
from academe.operations.tables.lawful import EDITABLE, editable, reason_not
from academe.operations.tables.queries import browsed_tables
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import *  # noqa: F403 - the browsers of identity
from tests.identity.conftest import SignIn
from tests.schools import School

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def entries(session: Session, action: str) -> list[AuditEntry]:
    return list(await session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


class TestWhich:
    def test_every_table_is_decided_about(self) -> None:
        tables = browsed_tables()
        assert EDITABLE.keys() <= tables.keys()
        for name in tables:
            assert (editable(name) is not None) != bool(not editable(name) and reason_not(name))

    def test_no_key_no_secret_and_no_reference_is_edited(self) -> None:
        for name, allowed in EDITABLE.items():
            browsed = browsed_tables()[name]
            columns = {column.name: column for column in browsed.columns}
            for each in allowed.columns:
                assert not columns[each].primary_key, (name, each)
                assert not columns[each].foreign_keys, (name, each)
                assert columns[each].computed is None, (name, each)

    @pytest.mark.parametrize("table", ["audit_entry", "account_session", "role_grant", "xapi_statement"])
    async def test_others_say_why_not(self, home: School, sign_in_as: SignIn, table: str) -> None:
        administrator = await sign_in_as(home, "administrator")
        assert reason_not(table) in (await administrator.get(f"/tables/{table}")).text
        answer = await administrator.post(f"/tables/{table}/row/edit?key={home.term.id}", data={"kind": "x"})
        assert answer.status_code == 409
        assert reason_not(table) in answer.text
        body = {"keys": [[str(home.term.id)]], "column": "kind", "value": "x"}
        answer = await administrator.post(f"/api/v1/tables/{table}/rows", json=body, headers=JSON)
        assert answer.status_code == 409


class TestOneRow:
    async def test_anonymous_and_others(self, browser: httpx.AsyncClient, home: School, sign_in_as: SignIn) -> None:
        address = f"/tables/term/row/edit?key={home.term.id}"
        assert (await browser.get(address)).headers["location"].startswith("/sign-in")
        for who in ("registrar", "faculty_administrator", "student0"):
            client = await sign_in_as(home, who)
            assert (await client.get(address)).status_code == 403
            assert (await client.post(address, data={"title": "Mine"})).status_code == 403

    async def test_saved_with_both_values_on_record(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        address = f"/tables/term/row/edit?key={home.term.id}"
        assert 'value="Autumn 2026"' in (await administrator.get(address)).text
        form = {"code": "2026A", "title": "Winter", "starts_on": "2026-09-28", "ends_on": "2027-02-06"}
        answer = await administrator.post(address, data=form)
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] == f"/tables/term/row?key={home.term.id}"
        [title] = await session.scalars(select(Term.title).where(Term.id == home.term.id))
        assert title == "Winter"
        (entry,) = await entries(session, "table.row_changed")
        assert entry.changes == {"title": ["Autumn 2026", "Winter"], "ends_on": ["2027-02-05", "2027-02-06"]}
        assert entry.institution_id == home.institution.id
        assert entry.subject_id == home.term.id

    async def test_a_person_finds_the_change_in_the_record(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        person = home.people["student0"].id
        body = {"values": {"preferred_name": "Ada"}}
        answer = await administrator.patch(f"/api/v1/tables/person/row?key={person}", json=body, headers=JSON)
        assert answer.json() == {"changed": 1}
        (entry,) = await entries(session, "table.row_changed")
        assert entry.person_id == person
        answer = await administrator.patch(f"/api/v1/tables/person/row?key={person}", json=body, headers=JSON)
        assert answer.json() == {"changed": 0}
        assert len(await entries(session, "table.row_changed")) == 1

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"starts_on": "tomorrow"}, "starts_on"),
            ({"title": ""}, "title"),
            ({"ends_on": "2020-01-01"}, "ends_on"),
            ({"institution_id": "x"}, "institution_id"),
            ({"title": "Kept?", "starts_on": "31.12.2026"}, "starts_on"),
        ],
    )
    async def test_bad_values_name_their_field_and_change_nothing(
        self, session: Session, home: School, sign_in_as: SignIn, values: dict[str, str], field: str
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        address = f"/api/v1/tables/term/row?key={home.term.id}"
        answer = await administrator.patch(address, json={"values": values}, headers=JSON)
        assert answer.status_code == 422, answer.text
        assert field in [error["field"] for error in answer.json()["errors"]], answer.text
        page = await administrator.post(f"/tables/term/row/edit?key={home.term.id}", data=values)
        assert page.status_code == 422
        [title] = await session.scalars(select(Term.title).where(Term.id == home.term.id))
        assert title == "Autumn 2026"
        assert await entries(session, "table.row_changed") == []

    async def test_rows_of_the_other_school_are_not_there(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        administrator = await sign_in_as(home, "administrator")
        for table, key in (("term", away.term.id), ("person", away.people["student0"].id), ("term", "x")):
            assert (await administrator.get(f"/tables/{table}/row/edit?key={key}")).status_code == 404
            body = {"values": {EDITABLE[table].columns[0]: "taken"}}
            answer = await administrator.patch(f"/api/v1/tables/{table}/row?key={key}", json=body, headers=JSON)
            assert answer.status_code == 404


class TestSeveral:
    async def test_shown_first_and_then_done(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        assert 'name="rows"' in (await administrator.get("/tables/student_record")).text
        keys = [json.dumps([str(student.id)]) for student in home.students[:3]]
        form = {"rows": keys, "action": "set", "column": "cohort", "value": "2027"}
        page = await administrator.post("/tables/student_record/rows", data=form)
        assert page.status_code == 200
        assert "3 of 3 chosen rows would be changed" in page.text
        assert "Cohort: 2026" in page.text
        assert await entries(session, "table.row_changed") == []
        answer = await administrator.post("/tables/student_record/rows", data={**form, "confirmed": "true"})
        assert answer.status_code == 303
        assert len(await entries(session, "table.row_changed")) == 3
        listed = await administrator.get("/api/v1/tables/student_record?where.cohort=2027", headers=JSON)
        assert {item["id"] for item in listed.json()["items"]} == {str(student.id) for student in home.students[:3]}

    async def test_all_or_none(self, session: Session, home: School, away: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        rows = [[str(home.unit.id)], [str(away.unit.id)]]
        body = {"keys": rows, "column": "title", "value": "Taken"}
        answer = await administrator.post("/api/v1/tables/unit/rows", json=body, headers=JSON)
        assert answer.status_code == 404
        same = {"keys": [[str(home.unit.id)], [str(home.other_unit.id)]], "column": "code", "value": "SAME"}
        answer = await administrator.post("/api/v1/tables/unit/rows", json=same, headers=JSON)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "code", "message": "is taken already by another row"}]
        titles = await session.scalars(select(Unit.title).where(Unit.title == "Taken"))
        assert not titles.all()
        codes = await session.scalars(select(Unit.code).where(Unit.code == "SAME"))
        assert not codes.all()

    async def test_deleted_where_nothing_leads_to_it(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        keys = [[str(home.students[0].id)]]
        body = {"keys": keys, "delete": True, "preview": True}
        address = "/api/v1/tables/student_protected_attributes/rows"
        assert (await administrator.post(address, json=body, headers=JSON)).json() == {"changed": 1}
        assert await entries(session, "table.row_deleted") == []
        answer = await administrator.post(address, json={**body, "preview": False}, headers=JSON)
        assert answer.json() == {"changed": 1}
        (entry,) = await entries(session, "table.row_deleted")
        assert entry.changes is not None
        assert entry.changes["region"] == ["North", None]
        refused = {"keys": [[str(home.term.id)]], "delete": True}
        answer = await administrator.post("/api/v1/tables/term/rows", json=refused, headers=JSON)
        assert answer.status_code == 409

    async def test_nothing_chosen_is_said(self, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        answer = await administrator.post("/tables/term/rows", data={"action": "set", "column": "title"})
        assert answer.status_code == 422
        assert "rows of the list first" in answer.text
        page = await administrator.post(
            "/tables/term/rows", data={"rows": json.dumps([str(home.term.id)]), "column": "starts_on", "value": "soon"}
        )
        assert page.status_code == 422
        assert "must be a date" in page.text


class TestFilters:
    async def test_by_columns(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        administrator = await sign_in_as(home, "administrator")
        expected = await session.scalar(select(Person.id).where(Person.display_name == "Advisor of home"))
        query = {"where.display_name": "advisor", "where.status": "active"}
        listed = await administrator.get("/api/v1/tables/person", params=query, headers=JSON)
        assert [item["id"] for item in listed.json()["items"]] == [str(expected)]
        page = await administrator.get("/tables/person", params={"where.status": "deactivated"})
        assert page.status_code == 200
        assert "Advisor of home" not in page.text
        assert 'name="where.status"' in page.text
        for query in (
            {"where.created_at": "soon"},
            {"where.id": "x"},
            {"where.nothing": "x"},
            {"where.status": "100%_"},
        ):
            assert (await administrator.get("/tables/person", params=query)).status_code == 200
