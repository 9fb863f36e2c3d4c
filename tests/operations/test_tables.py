"""Every table of the product is reachable, for administrators, within their institution and without secrets."""

import re

import httpx
import pytest
from sqlalchemy import func, select

from academe.operations.tables.queries import browsed_tables
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import *  # noqa: F403 - the browsers of identity
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor
from tests.test_role_matrix import make_rows

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def test_anonymous_and_others(browser: httpx.AsyncClient, home: School, sign_in_as: SignIn) -> None:
    assert (await browser.get("/tables")).headers["location"].startswith("/sign-in")
    registrar = await sign_in_as(home, "registrar")
    for address in ("/tables", "/tables/person", f"/tables/person/row?key={home.people['student0'].id}"):
        assert (await registrar.get(address)).status_code == 403
    assert (await registrar.get("/api/v1/tables/person", headers=JSON)).status_code == 403


async def test_every_table_answers_and_shows_nothing_of_the_other_school(
    session: Session, home: School, away: School, sign_in_as: SignIn
) -> None:
    async with as_actor(session, system_actor("test")):
        await make_rows(session, home)
    administrator = await sign_in_as(home, "administrator")
    listed = (await administrator.get("/tables")).text
    foreign = [str(away.institution.id), *(str(person.id) for person in away.people.values())]
    with_rows = 0
    for name, browsed in browsed_tables().items():
        assert f'href="/tables/{name}"' in listed
        page = await administrator.get(f"/tables/{name}?q=")
        assert page.status_code == 200, name
        rows = await administrator.get(f"/api/v1/tables/{name}?limit=200", headers=JSON)
        assert rows.status_code == 200, (name, rows.text)
        assert not any(each in rows.text for each in foreign), name
        assert (await administrator.get(f"/tables/{name}?q=zzz")).status_code == 200, name
        first = re.search(rf'href="(/tables/{name}/row\?[^"]+)"', page.text)
        if first:
            with_rows += 1
            shown = await administrator.get(first.group(1).replace("&amp;", "&"))
            assert shown.status_code == 200, (name, first.group(1))
        for column in browsed.sortable[1:3]:
            assert (await administrator.get(f"/tables/{name}?sort=-{column.name}&limit=1")).status_code == 200
    assert with_rows > 15


async def test_secrets_are_left_out(home: School, sign_in_as: SignIn) -> None:
    administrator = await sign_in_as(home, "administrator")
    [*rows] = (await administrator.get("/api/v1/tables/account?limit=200", headers=JSON)).json()["items"]
    assert rows
    assert "password_hash" not in rows[0]
    particulars = (await administrator.get("/api/v1/tables/person_particulars", headers=JSON)).json()["items"]
    assert not {"phone", "date_of_birth"} & set(particulars[0])


async def test_looking_at_people_is_on_record(session: Session, home: School, sign_in_as: SignIn) -> None:
    administrator = await sign_in_as(home, "administrator")
    await administrator.get("/tables/person")
    await administrator.get("/tables/term")
    assert await session.scalar(select(func.count()).where(AuditEntry.action == "table.read")) == 1


async def test_what_is_not_there(home: School, away: School, sign_in_as: SignIn) -> None:
    administrator = await sign_in_as(home, "administrator")
    assert (await administrator.get("/tables/pg_class")).status_code == 404
    assert (await administrator.get(f"/tables/term/row?key={away.term.id}")).status_code == 404
    assert (await administrator.get(f"/tables/term/row?key={home.term.id}")).status_code == 200
