"""Nobody is told a byte that the policies keep from them, whatever they ask for: random requests over two schools.

Every text of every row holds a word of its own (`markers`). Random people ask random routes for random objects of both
schools (`requests`), each in a transaction that is rolled back, and the bytes of each answer are searched for words.
Row-level security is asked which rows the person may read; a word of any other row is a leak. The same is done again
with the application's checks switched off: the application then believes that everybody holds every role everywhere.

ACADEME_ISOLATION_REQUESTS=20000 makes a long run of it; ACADEME_ISOLATION_SEED=... makes another one.
"""

import asyncio
import io
import os
import random
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, get_type_hints

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import ColumnElement, true
from starlette.requests import Request

from academe.academics.types import StaffRole
from academe.app import create_app
from academe.identity.access.guardians.models import Guardianship
from academe.identity.models import Account, Person, PersonParticulars, RoleGrant
from academe.identity.queries import role_scopes
from academe.identity.types import Role
from academe.platform.actor import ANONYMOUS, Actor, RoleScope, system_actor
from academe.platform.database.base import PEOPLE
from academe.platform.database.partitions import ensure_months
from academe.platform.database.session import Database, Session
from academe.platform.http.route_index import RouteIndex
from academe.platform.ids import new_id
from academe.platform.settings import Settings
from tests.isolation.markers import Markers, Planted
from tests.isolation.requests import NOT_ASKED, Asked, Requests
from tests.schools import GRANTED_ON, STARTS_ON, School, actor_of_person, build_school
from tests.support.databases import ServerOfTests
from tests.support.transactions import JoinedDatabase, rolled_back
from tests.test_role_matrix import make_rows

pytestmark = pytest.mark.anyio

REQUESTS: Final = int(os.environ.get("ACADEME_ISOLATION_REQUESTS", "400"))
"""Of each of the two runs."""

SEED: Final = int(os.environ.get("ACADEME_ISOLATION_SEED", "4"))
MOST_SECONDS: Final = 60
WHO: Final = "x-test-actor"


@dataclass(frozen=True, slots=True)
class Leak:
    """A word in the answer to somebody who may not read its row."""

    who: str
    route: str
    asked: Asked
    status: int
    place: Planted


async def _add_people(session: Session, school: School) -> None:
    """Who is not among the people of the two schools: an operator, an expert, a guardian whose student consents."""
    for who, role in (("operator", Role.OPERATOR), ("expert", Role.EXPERT), ("guardian", None)):
        person = Person(id=new_id(), institution_id=school.institution.id, display_name=f"{who} of {school.name}")
        session.add(person)
        await session.flush()
        session.add(Account(id=new_id(), person_id=person.id, email=f"{who}@{school.name}.example"))
        if role is not None:
            session.add(
                RoleGrant(person_id=person.id, org_unit_id=school.institution.id, role=role, starts_on=GRANTED_ON)
            )
        else:
            student = school.people["student2"].id
            session.add(
                Guardianship(
                    institution_id=school.institution.id,
                    guardian_id=person.id,
                    student_id=student,
                    starts_on=GRANTED_ON,
                    needs_consent=False,
                )
            )
        await session.flush()
        school.people[who] = person
        school.actors[who] = actor_of_person(person, await role_scopes(session, person.id))


@dataclass
class World:
    """Both schools in a database of their own, everybody in them, and the words."""

    settings: Settings
    schools: list[School]
    markers: Markers
    ids: dict[str, list[str]]

    @property
    def actors(self) -> dict[str, Actor]:
        """Everybody, by name."""
        named = {f"{who} of {each.name}": actor for each in self.schools for who, actor in each.actors.items()}
        return {"anonymous": ANONYMOUS, **named}


@pytest.fixture(scope="module")
def world(server: ServerOfTests, worker_id: str) -> Iterator[World]:
    """Built and committed once; requests are rolled back."""
    name = f"academe_isolation_{worker_id}"
    settings = server.clone(name).model_copy(update={"rate_limit_per_minute": 10_000_000})
    markers, schools = Markers(), []
    with server.superuser(name) as superuser:
        markers.plant(superuser, None)
        for each in ("home", "away"):
            schools.append(asyncio.run(_build(settings, each, markers)))
            markers.plant(superuser, each)
            superuser.execute(
                "UPDATE xapi_statement SET sender_id = s.id FROM xapi_sender s"
                " WHERE s.institution_id = %s AND xapi_statement.sender_id NOT IN (SELECT id FROM xapi_sender)",
                [schools[-1].institution.id],
            )
        superuser.execute("ANALYZE")
        ids = {}
        for table in markers.tables.values():
            keys = [column.name for column in table.primary_key.columns if column.name.endswith(("id", "key"))]
            if keys:
                rows = superuser.execute(f"SELECT DISTINCT {keys[-1]}::text FROM {table.name} LIMIT 200")
                ids[table.name] = sorted(row[0] for row in rows)
    yield World(settings, schools, markers, ids)
    server.drop(name)


async def _build(settings: Settings, name: str, markers: Markers) -> School:
    database = Database(settings)
    async with database.transaction(system_actor("isolation")) as session:
        await ensure_months(session, "activity_day", STARTS_ON, STARTS_ON + timedelta(days=60))
        school = await build_school(session, name)
        await make_rows(session, school)
        await _add_people(session, school)
    # Keys of people are made on a connection of their own; student0 and student1 have those of the matrix.
    async with database.transaction(system_actor("isolation")) as session:
        for number in range(2, 6):
            person_id = school.people[f"student{number}"].id
            phone = markers.word(Planted(name, "person_particulars", "phone", (str(person_id),)))
            session.add(PersonParticulars(person_id=person_id, phone=phone))
    await database.close()
    return school


@pytest.fixture
def checks_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every permission function of a policy module answers yes, wherever its name was imported to."""
    institutions = sorted(each.institution.id for each in world.schools)
    answers: dict[int, Any] = {}
    for name, module in list(sys.modules.items()):
        if not name.startswith("academe.") or not name.endswith("policy"):
            continue
        for function in vars(module).values():
            if callable(function) and getattr(function, "__module__", None) == name and not isinstance(function, type):
                kind = get_type_hints(function).get("return")
                yes = _yes(function.__name__, kind, institutions)
                if yes is not None:
                    answers[id(function)] = yes
    assert len(answers) > 30
    for name, module in list(sys.modules.items()):
        if name.startswith("academe."):
            for attribute, value in list(vars(module).items()):
                if id(value) in answers:
                    monkeypatch.setattr(module, attribute, answers[id(value)])


def _yes(name: str, kind: Any, institutions: list[Any]) -> Any:
    if kind is bool and name != "decides_sign_in":
        return lambda *_, **__: True
    if kind == ColumnElement[bool]:
        return lambda *_, **__: true()
    if name.startswith("require"):
        return lambda *_, **__: None
    if name.startswith("institutions_"):
        return (
            (lambda *_, **__: frozenset(institutions)) if "frozenset" in str(kind) else (lambda *_, **__: institutions)
        )
    return None


def _with_every_role(world: World, actor: Actor) -> Actor:
    """The same person, whom the application believes to hold every role in both schools."""
    scopes = [
        RoleScope(role, school.institution.id, org_unit_id=unit.id)
        for school in world.schools
        for unit in (school.institution, school.faculty, school.department, school.other_department)
        for role in Role
    ] + [
        RoleScope(role, school.institution.id, offering_id=offering.id)
        for school in world.schools
        for offering in (school.offering, school.other_offering)
        for role in StaffRole
    ]
    return actor if actor.is_anonymous else replace(actor, scopes=tuple(scopes))


class Asking:
    """One run: asks, searches the answers, and rolls back."""

    def __init__(self, world: World, joined: JoinedDatabase, *, checks: bool) -> None:
        self.world, self.joined, self.checks = world, joined, checks
        self.actors = world.actors
        self.readable: dict[str, set[int]] = {}
        self.leaks: list[Leak] = []
        self.faults: list[tuple[str, Asked, str]] = []
        self.statuses: Counter[int] = Counter()
        self.told = 0
        self.app = create_app(world.settings, joined)
        self.app.state.resolve_actor = self._actor

    async def _actor(self, request: Request) -> Actor:
        actor = self.actors[request.headers[WHO]]
        return actor if self.checks else _with_every_role(self.world, actor)

    async def run(self, count: int, seed: int) -> None:
        """Ask `count` times."""
        chance = random.Random(seed)
        (index,) = [route for route in self.app.routes if isinstance(route, RouteIndex)]
        routes = [route for route in index.routes if isinstance(route, APIRoute)]
        assert NOT_ASKED.keys() <= {route.path for route in routes}
        requests = Requests(chance, routes, self.world.ids, sorted(self.world.markers.tables))
        for who in self.actors:
            self.readable[who] = await self._readable(who)
            self._check_schools(who)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        for _ in range(count):
            who = chance.choice(sorted(self.actors))
            route, asked = requests.any()
            async with httpx.AsyncClient(transport=transport, base_url="http://academe.test") as client:
                await self._ask(client, who, route, asked)

    def _check_schools(self, who: str) -> None:
        """The oracle itself: no policy shows anybody a person's record of the other school."""
        places = [self.world.markers.planted[one] for one in self.readable[who] if self.world.markers.is_guarded(one)]
        assert {place.school for place in places} <= {who.rpartition(" of ")[2]}, who

    async def _ask(self, client: httpx.AsyncClient, who: str, route: APIRoute, asked: Asked) -> None:
        savepoint = await self.joined.connection.begin_nested()
        try:
            answer = await asyncio.wait_for(
                client.request(
                    asked.method,
                    asked.url,
                    json=asked.json,
                    data=asked.form,
                    content=asked.content,
                    headers={**(asked.headers or {}), WHO: who},
                ),
                MOST_SECONDS,
            )
            self.statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                self.faults.append((who, asked, answer.text[:300]))
            words = self.world.markers.in_bytes(_everything(answer))
            self.told += len(words)
            unread = {number for number in words if not self._may(who, number)}
            if unread and asked.method != "GET":
                # What was asked for may itself have let the person read the row.
                unread -= await self._readable(who)
            self.leaks += [
                Leak(who, route.path, asked, answer.status_code, place)
                for place in self.world.markers.places(unread)
                if not _is_told(who, route.path, place)
            ]
        finally:
            if savepoint.is_active:
                await savepoint.rollback()

    def _may(self, who: str, number: int) -> bool:
        if number not in self.readable[who]:
            return False
        # Tables without policies are kept apart by the application alone.
        place = self.world.markers.planted[number]
        of_another = place.school != who.rpartition(" of ")[2]
        return self.world.markers.is_guarded(number) or not (self.checks and of_another)

    async def _readable(self, who: str) -> set[int]:
        async with self.joined.reading(self.actors[who]) as session:
            return await self.world.markers.readable(session)


TOLD: Final = {
    ("/sign-in", "identity_provider", "name"): "the ways to sign in are offered before it is known who comes",
}
"""What is told on purpose although the policies of its table do not show it: where, what, and why."""

STATED: Final = frozenset({("xapi_statement", "statement"), ("xapi_sender", "name")})
"""Read by the system, which asks the database who reads the statements of which institution, and who sent them."""

READ_STATEMENTS: Final = ("administrator", "auditor")


def _is_told(who: str, route: str, place: Planted) -> bool:
    role, _, school = who.rpartition(" of ")
    is_reader = (place.table, place.column) in STATED and role in READ_STATEMENTS and school == place.school
    return is_reader or (route, place.table, place.column) in TOLD


def _everything(answer: httpx.Response) -> bytes:
    """The bytes of an answer: head and body, and what is packed in it."""
    body = answer.content
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            body = b"\n".join(packed.read(name) for name in packed.namelist())
    return b"\n".join([body, *(value for _, value in answer.headers.raw)])


async def _run(world: World, *, checks: bool) -> Asking:
    database = Database(world.settings)
    try:
        async with rolled_back(database) as joined:
            asking = Asking(world, joined, checks=checks)
            await asking.run(REQUESTS, SEED)
            return asking
    finally:
        await database.close()


def _report(asking: Asking) -> str:
    places = Counter((each.route, each.place.table, each.place.column, each.who) for each in asking.leaks)
    lines = [f"{count} x {route} told {who} {table}.{column}" for (route, table, column, who), count in places.items()]
    return "\n".join([*sorted(lines), *(repr(each) for each in asking.leaks[:3])])


def test_words_stand_everywhere(world: World) -> None:
    places = world.markers.planted.values()
    assert {place.school for place in places} == {"home", "away"}
    guarded = {name for name, table in world.markers.tables.items() if table.info.get(PEOPLE)}
    with_words = {place.table for place in places}
    assert len(guarded & with_words) > 35, guarded - with_words


async def test_nobody_is_told_what_the_policies_keep_from_them(world: World) -> None:
    asking = await _run(world, checks=True)
    assert not asking.leaks, _report(asking)
    assert asking.told > REQUESTS / 8, f"few words were told, so that the requests ask for nothing: {asking.statuses}"
    assert not asking.faults, asking.faults[:5]


@pytest.mark.usefixtures("checks_off")
async def test_row_level_security_alone_keeps_it(world: World) -> None:
    asking = await _run(world, checks=False)
    assert not asking.leaks, _report(asking)
    assert asking.told > REQUESTS / 4, f"few words were told, so that the requests ask for nothing: {asking.statuses}"
