"""The directory and the page about a person, as a browser and a program meet them."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from academe.identity.models import Person, PersonParticulars
from academe.identity.people.queries import fold
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.identity.conftest import SignIn
from tests.schools import School
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


async def add_person(session: Session, school: School, name: str, **more: str) -> Person:
    """Somebody else at a school."""
    async with as_actor(session, system_actor("test")):
        person = Person(institution_id=school.institution.id, display_name=name, **more)
        session.add(person)
        await session.flush()
    return person


async def names(client: httpx.AsyncClient, **query: str) -> list[str]:
    """Who is found."""
    answer = await client.get("/api/v1/people", params=query, headers=JSON)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


class TestDirectory:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient) -> None:
        assert (await browser.get("/people")).headers["location"].startswith("/sign-in")
        assert (await browser.get("/api/v1/people", headers=JSON)).status_code == 401

    async def test_students_have_no_directory(self, home: School, sign_in_as: SignIn) -> None:
        student = await sign_in_as(home, "student0")
        assert (await student.get("/people")).status_code == 403
        assert (await student.get("/api/v1/people", headers=JSON)).status_code == 403

    async def test_the_other_school_is_never_found(self, home: School, away: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        found = await names(registrar, limit="200")
        assert "Registrar of home" in found
        assert not any("away" in name for name in found)
        assert await names(registrar, search="registrar away") == []
        assert (await registrar.get(f"/people/{away.people['registrar'].id}")).status_code == 404

    @pytest.mark.parametrize("typed", ["müller", "MULLER", "jörg mul", "muller jorg", "Soren", "søren", "strasse"])
    async def test_found_however_it_is_typed(
        self, session: Session, home: School, sign_in_as: SignIn, typed: str
    ) -> None:
        await add_person(session, home, "Jörg Müller", preferred_name="Søren Straße")
        await add_person(session, home, "Anna Maier")
        registrar = await sign_in_as(home, "registrar")
        assert await names(registrar, search=typed) == ["Jörg Müller"]

    async def test_wildcards_stand_for_themselves(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        await add_person(session, home, "Per_Cent 100%'")
        registrar = await sign_in_as(home, "registrar")
        assert await names(registrar, search="100%'") == ["Per_Cent 100%'"]
        assert await names(registrar, search="per%cent") == []

    async def test_a_slip_of_the_pen_finds_names_like_it(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        await add_person(session, home, "Katharina Wisniewska")
        registrar = await sign_in_as(home, "registrar")
        page = (await registrar.get("/people?q=Wisnievska")).text
        assert "Names like “Wisnievska”" in page
        assert "Katharina Wisniewska" in page

    async def test_addresses_are_for_administrators(self, home: School, away: School, sign_in_as: SignIn) -> None:
        address = home.accounts["lecturer"].email
        administrator = await sign_in_as(home, "administrator")
        assert await names(administrator, search=address[:12].upper()) == ["Lecturer of home"]
        assert await names(administrator, search=away.accounts["lecturer"].email) == []
        registrar = await sign_in_as(home, "registrar")
        assert await names(registrar, search=address) == []

    async def test_filters(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        gone = await add_person(session, home, "Somebody who left", status="deactivated")
        administrator = await sign_in_as(home, "administrator")
        assert await names(administrator, role="advisor") == ["Advisor of home"]
        assert await names(administrator, org_unit_id=str(home.department.id)) == ["Advisor of home"]
        assert await names(administrator, status="deactivated") == [gone.display_name]
        page = (await administrator.get("/people?role=advisor")).text
        assert "Advisor of home" in page
        assert "Registrar of home" not in page

    async def test_by_student_number(self, home: School, away: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        number = home.students[0].number
        assert await names(registrar, search=number) == [home.people["student0"].display_name]
        assert set(await names(registrar, search=number[:2])) >= {home.people[f"student{n}"].display_name for n in "01"}

    async def test_by_programme(self, home: School, away: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        students = {home.people[f"student{number}"].display_name for number in range(6)}
        assert set(await names(registrar, program_id=str(home.program.id))) == students
        assert await names(registrar, program_id=str(away.program.id)) == []
        page = (await registrar.get("/people", params={"program": str(home.program.id)})).text
        assert "Bachelor of Science" in page
        assert "Registrar of home" not in page.split("<tbody")[1]

    async def test_taken_away_as_csv_on_record(
        self, session: Session, home: School, away: School, sign_in_as: SignIn
    ) -> None:
        await add_person(session, home, "=Formula", given_name="Ada")
        advisor = await sign_in_as(home, "advisor")
        assert (await advisor.get("/people/export.csv")).status_code == 403
        registrar = await sign_in_as(home, "registrar")
        answer = await registrar.get("/people/export.csv")
        assert answer.headers["content-type"].startswith("text/csv")
        lines = answer.text.splitlines()
        assert lines[0] == "sourced_id,display_name,given_name,middle_name,family_name,preferred_name,email,status"
        assert ",'=Formula,Ada,,,,,active" in lines
        assert "away" not in answer.text
        assert answer.text.count("@") == 1, "addresses are for administrators; one's own is one's own"
        administrator = await sign_in_as(home, "administrator")
        some = (await administrator.get("/people/export.csv?role=advisor")).text.splitlines()
        assert len(some) == 2
        assert home.accounts["advisor"].email in some[1]
        entries = select(func.count()).where(AuditEntry.action == "people.exported")
        assert await session.scalar(entries) == 2

    async def test_pages_follow_each_other(self, home: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        every = await names(registrar, limit="200")
        first = (await registrar.get("/api/v1/people?limit=5", headers=JSON)).json()
        second = (
            await registrar.get("/api/v1/people", params={"limit": 5, "cursor": first["next_cursor"]}, headers=JSON)
        ).json()
        assert [item["name"] for item in first["items"] + second["items"]] == every[:10]


class TestPerson:
    async def test_anonymous_signs_in_first(self, browser: httpx.AsyncClient, home: School) -> None:
        answer = await browser.get(f"/people/{home.people['student0'].id}")
        assert answer.headers["location"].startswith("/sign-in")

    async def test_staff_see_the_name_and_nothing_private(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        advisor = await sign_in_as(home, "advisor")
        page = await advisor.get(f"/people/{home.people['student0'].id}")
        assert page.status_code == 200
        assert "Names" in page.text
        assert "Particulars" not in page.text
        assert "Account" not in page.text.split("<main")[1]
        particulars = await advisor.get(f"/api/v1/people/{home.people['student0'].id}/particulars", headers=JSON)
        assert particulars.status_code == 403

    async def test_reading_particulars_is_on_record(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        student = home.people["student0"]
        registrar = await sign_in_as(home, "registrar")
        page = await registrar.get(f"/people/{student.id}")
        assert "Date of birth" in page.text
        entries = await session.scalars(
            select(AuditEntry).where(AuditEntry.person_id == student.id, AuditEntry.kind == "read")
        )
        [entry] = entries
        assert (entry.actor_person_id, entry.action) == (home.people["registrar"].id, "person_particulars.read")

    async def test_names_are_corrected(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        student = home.people["student0"]
        advisor = await sign_in_as(home, "advisor")
        body = {"display_name": "Dr Ada  Lovelace", "given_name": "Ada", "family_name": "Lovelace"}
        assert (await advisor.put(f"/api/v1/people/{student.id}/names", json=body)).status_code == 403
        registrar = await sign_in_as(home, "registrar")
        answer = await registrar.post(f"/people/{student.id}/names", data=body)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/people/{student.id}")
        assert await names(registrar, search="lovelace ada") == ["Dr Ada Lovelace"]
        entry = await session.scalar(select(AuditEntry).where(AuditEntry.action == "person.renamed"))
        assert entry is not None
        assert "Ada" not in f"{entry.summary} {entry.changes}"

    async def test_wrong_names_are_named(self, home: School, sign_in_as: SignIn) -> None:
        registrar = await sign_in_as(home, "registrar")
        href = f"/people/{home.people['student0'].id}/names"
        answer = await registrar.post(href, data={"display_name": "", "given_name": "x" * 101})
        assert answer.status_code == 422
        assert "Please fill this in." in answer.text
        assert "at most 100 characters" in answer.text
        taken = home.people["student1"].sourced_id or "10001"
        await registrar.post(
            f"/people/{home.people['student1'].id}/names", data={"display_name": "One", "sourced_id": taken}
        )
        answer = await registrar.post(href, data={"display_name": "Two", "sourced_id": taken})
        assert answer.status_code == 409
        assert "is already used" in answer.text

    async def test_particulars_are_checked_and_saved(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        student = home.people["student0"]
        registrar = await sign_in_as(home, "registrar")
        href = f"/people/{student.id}/particulars"
        wrong = {"contact_email": "nowhere", "phone": "call me", "date_of_birth": "2999-01-01"}
        for field, value in wrong.items():
            answer = await registrar.post(href, data={field: value})
            assert answer.status_code == 422, field
            assert f'id="error-{field}"' in answer.text
        right = {"contact_email": "ada@home.example", "phone": "+44 20  7946 0000", "date_of_birth": "2001-02-28"}
        assert (await registrar.post(href, data=right)).status_code == 303
        saved = await session.get(PersonParticulars, student.id, populate_existing=True)
        assert saved is not None
        assert (saved.phone, saved.date_of_birth) == ("+44 20 7946 0000", "2001-02-28")
        read = await registrar.get(f"/api/v1/people/{student.id}/particulars", headers=JSON)
        assert read.json()["date_of_birth"] == "2001-02-28"

    async def test_somebody_is_added(self, session: Session, home: School, sign_in_as: SignIn) -> None:
        advisor = await sign_in_as(home, "advisor")
        assert (await advisor.get("/people/add")).status_code == 403
        registrar = await sign_in_as(home, "registrar")
        assert (await registrar.get("/people/add")).status_code == 200
        answer = await registrar.post("/people/add", data={"display_name": "Grace Hopper", "given_name": "Grace"})
        assert answer.status_code == 303
        added = await session.get(Person, UUID(answer.headers["location"].rsplit("/", 1)[1]))
        assert added is not None
        assert (added.display_name, added.given_name) == ("Grace Hopper", "Grace")

    async def test_an_administrator_opens_an_account_and_deactivates(
        self, session: Session, home: School, sign_in_as: SignIn
    ) -> None:
        person = await add_person(session, home, "Grace Hopper")
        registrar = await sign_in_as(home, "registrar")
        assert (
            await registrar.post(f"/people/{person.id}/account", data={"email": "g@home.example"})
        ).status_code == 403
        administrator = await sign_in_as(home, "administrator")
        wrong = await administrator.post(f"/people/{person.id}/account", data={"email": "nowhere"})
        assert wrong.status_code == 422
        made = await administrator.post(f"/people/{person.id}/account", data={"email": "g@home.example"})
        assert made.status_code == 303
        assert "g@home.example" in (await administrator.get(f"/people/{person.id}")).text
        left = await administrator.post(f"/people/{person.id}/status", data={"status": "deactivated"})
        assert left.status_code == 303
        assert "cannot sign in" in (await administrator.get(f"/people/{person.id}")).text


async def test_the_database_folds_as_we_do(session: Session) -> None:
    typed = "Ægir Þór Łukasz ÉCOLE ﬁn Ñandú Straße Œuvre İstanbul Ħal đ"
    assert (await session.execute(select(func.fold_name(typed)))).scalar_one() == fold(typed)
