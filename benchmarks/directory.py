"""`academe benchmark directory`: 100,000 people searched by name, number and address, as the application role.

A database of its own; each search is what the page asks: the finders and the first page of the list, under row-level
security. The time is that between sending a statement and having its rows, summed over the statements of a search.
Names are made from common ones, so that some words fit every tenth person and others nobody. For reference, the same
words are looked for by the owner without policies.
"""

import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import event, text

from academe.academics import directory
from academe.identity.api import role_scopes
from academe.identity.people.pages import find
from academe.identity.people.queries import DirectoryFilter, add_person_finder, filter_by_program, fold
from academe.identity.types import PersonStatus, Role
from academe.platform.actor import Actor, ActorKind, system_actor
from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.migrate import upgrade
from academe.platform.database.session import Database
from academe.platform.http.pagination import CursorSigner, PageRequest
from academe.platform.ids import new_id
from academe.platform.settings import Settings
from benchmarks.framework import Context, Measure, absolute, relative

PEOPLE: Final = 100_000
QUERIES: Final = 60
"""Of each kind."""

LIMIT: Final = 50.0
"""Milliseconds."""

_GIVEN: Final = (
    *["Maria", "Anna", "Sofia", "Jörg", "José", "Müjde", "Zoë", "Lukas", "Leon", "Noah", "Emma", "Mia"],
    *["Chloé", "Élodie", "François", "Søren", "Bjørn", "Łukasz", "Agnieszka", "Wei", "Min", "Yuki", "Haruto", "Fatima"],
    *["Mohammed", "Ahmed", "Ayşe", "Mehmet", "Olga", "Ivan", "Natasha", "Ravi", "Priya", "Anil", "Sunita", "Grace"],
    *["John", "Mary"],
)
_FAMILY: Final = (
    *[
        "Müller",
        "Meier",
        "Schmidt",
        "Schneider",
        "Fischer",
        "Weber",
        "García",
        "Fernández",
        "González",
        "Nguyễn",
        "Trần",
        "Wang",
    ],
    *["Li", "Zhang", "Chen", "Kim", "Park", "Sato", "Suzuki", "Smith", "Jones", "Brown", "Wilson", "Taylor"],
    *[
        "Novák",
        "Dvořák",
        "Kowalski",
        "Wiśniewska",
        "Ivanova",
        "Petrov",
        "Öztürk",
        "Yılmaz",
        "Singh",
        "Kaur",
        "Patel",
        "Sharma",
    ],
    *["O'Brien", "Murphy", "Åkesson", "Lindqvist", "Straße", "Strauß"],
)

_NODES: Final = text("""
    WITH units AS (
        INSERT INTO org_unit (id, institution_id, parent_id, kind, code, name)
        VALUES (:root, :root, NULL, 'institution', 'u', 'U'), (:node, :root, :root, 'faculty', 'f', 'F')
    )
    INSERT INTO program (id, org_unit_id, institution_id, code, title) VALUES (:program, :node, :root, 'p', 'P')
""")
_ADMINISTRATOR: Final = text("""
    WITH person AS (
        INSERT INTO person (id, institution_id, display_name) VALUES (:person, :root, 'The administrator')
    )
    INSERT INTO role_grant (id, person_id, org_unit_id, role, starts_on)
    VALUES (:person, :person, :root, 'administrator', '2020-01-01')
""")
_FILL: Final = text("""
    WITH made AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS row (id uuid, given text, family text, number text, program uuid, role text, node uuid, status text)
    ), person AS (
        INSERT INTO person (id, institution_id, sourced_id, display_name, given_name, family_name, status)
        SELECT id, :institution, 'S' || number, given || ' ' || family, given, family, status FROM made
    ), account AS (
        INSERT INTO account (id, person_id, email)
        SELECT id, id, 'p' || number || '@students.example' FROM made
    ), grants AS (
        INSERT INTO role_grant (id, person_id, org_unit_id, role, starts_on)
        SELECT id, id, node, role, '2020-01-01' FROM made
    )
    INSERT INTO student_record (id, institution_id, person_id, program_id, number)
    SELECT id, :institution, id, program, number FROM made WHERE role = 'student'
""")


def measure(context: Context) -> Sequence[Measure]:
    """The 95th percentile of each kind of search, and of all of them."""
    with tempfile.TemporaryDirectory(prefix="academe-benchmark-") as folder:
        Path(folder).chmod(0o755)  # the database server's account has to enter it when root runs the benchmark
        settings = Settings(data_dir=Path(folder), database_url=None)
        server = EmbeddedServer(Path(folder) / "postgres")
        try:
            upgrade(settings)
            return asyncio.run(_measure(context, settings, server.conninfo(role="postgres")))
        finally:
            server.stop()


async def _measure(context: Context, settings: Settings, conninfo: str) -> Sequence[Measure]:
    add_person_finder("student number", directory.people_by_number)
    filter_by_program(directory.PROGRAMS)
    database, clock = Database(settings), _Clock()
    clock.attach(database)
    try:
        context.say(f"Making {PEOPLE:,} people")
        administrator, node, program = await _fill(database)
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as the server does it by itself, sooner or later
        measures, every = [], []
        for kind, searches in _searches(node, program).items():
            context.say(kind)
            taken = [await _timed(database, clock, administrator, wanted) for wanted in searches]
            every += taken
            measures.append(absolute(f"{kind}, p95", _p95(taken), "ms", "at most", LIMIT))
        parts = _searches(node, program)["part of a name"]
        bare = _without_policies(conninfo, [wanted.search for wanted in parts])
        named = _p95(
            [await _timed(database, clock, administrator, w) for w in _searches(node, program)["part of a name"]]
        )
        return [
            absolute("all searches, p95", _p95(every), "ms", "at most", LIMIT),
            absolute("all searches, median", statistics.median(every), "ms"),
            *measures,
            relative("part of a name, beside the owner without policies", named, bare, "ms", "at most", 10),
        ]
    finally:
        await database.close()


async def _fill(database: Database) -> tuple[Actor, UUID, UUID]:
    chance = random.Random(1)  # noqa: S311 - the same people in every run
    root, node, program, person_id = new_id(), new_id(), new_id(), new_id()
    async with database.transaction(system_actor("benchmark"), timeout_seconds=0) as session:
        values = {"root": root, "node": node, "program": program, "person": person_id}
        await session.execute(_NODES, values)
        await session.execute(_ADMINISTRATOR, values)
        for start in range(0, PEOPLE, 5_000):
            await session.execute(_FILL, {"institution": root, "rows": _rows(chance, start, root, node, program)})
        scopes = await role_scopes(session, person_id)
    return Actor(ActorKind.PERSON, "administrator", person_id, scopes), node, program


def _rows(chance: random.Random, start: int, root: UUID, node: UUID, program: UUID) -> str:
    rows = []
    for number in range(start, start + 5_000):
        # Some names are much more frequent than others, as among people.
        given = _GIVEN[min(int(chance.expovariate(0.12)), len(_GIVEN) - 1)]
        family = _FAMILY[min(int(chance.expovariate(0.1)), len(_FAMILY) - 1)]
        if chance.random() < 0.4:
            family += f"-{chance.choice(_FAMILY)}"
        role = Role.LECTURER if number % 50 == 0 else Role.STUDENT
        rows.append(
            {
                "id": str(new_id()),
                "given": given,
                "family": family,
                "number": str(1_000_000 + number * 7),
                "program": str(program) if number % 20 == 0 else None,
                "role": role.value,
                "node": str(node if number % 3 else root),
                "status": (PersonStatus.ACTIVE if number % 30 else PersonStatus.DEACTIVATED).value,
            }
        )
    return json.dumps(rows, ensure_ascii=False)


def _searches(node: UUID, program: UUID) -> Mapping[str, Sequence[DirectoryFilter]]:
    chance = random.Random(2)  # noqa: S311 - the same searches in every run

    def several(make: Callable[[], DirectoryFilter]) -> Sequence[DirectoryFilter]:
        return [make() for _ in range(QUERIES)]

    def part(name: str, letters: int) -> str:
        begin = chance.randrange(max(1, len(name) - letters))
        return name[begin : begin + letters]

    def number() -> str:
        return str(1_000_000 + chance.randrange(PEOPLE) * 7)

    return {
        "one letter": several(lambda: DirectoryFilter(chance.choice("abcdefghijklmnopqrstuvwxyz"))),
        "two letters": several(lambda: DirectoryFilter(chance.choice(_FAMILY)[:2])),
        "a very common name": several(lambda: DirectoryFilter(chance.choice((*_GIVEN[:6], *_FAMILY[:6])))),
        "part of a name": several(lambda: DirectoryFilter(part(chance.choice(_FAMILY), 4))),
        "two names": several(lambda: DirectoryFilter(f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)[:4]}")),
        "names without accents": several(lambda: DirectoryFilter(fold(chance.choice(_FAMILY)))),
        "a name that nobody has": several(lambda: DirectoryFilter(f"{chance.choice(_FAMILY)}q{number()[:2]}")),
        "a number": several(lambda: DirectoryFilter(number())),
        "the beginning of a number": several(lambda: DirectoryFilter(number()[:4])),
        "an address": several(lambda: DirectoryFilter(f"p{number()}@students")),
        "a name among students": several(lambda: DirectoryFilter(chance.choice(_FAMILY), Role.STUDENT)),
        "a name among lecturers": several(lambda: DirectoryFilter(chance.choice(_FAMILY), Role.LECTURER)),
        "a name in a faculty": several(lambda: DirectoryFilter(chance.choice(_FAMILY), org_unit_id=node)),
        "a name in a programme": several(lambda: DirectoryFilter(chance.choice(_FAMILY), program_id=program)),
        "everybody in a programme": several(lambda: DirectoryFilter(program_id=program)),
        "every lecturer": several(lambda: DirectoryFilter(role=Role.LECTURER)),
        "everybody deactivated": several(lambda: DirectoryFilter(status=PersonStatus.DEACTIVATED)),
        "a name among the deactivated": several(
            lambda: DirectoryFilter(chance.choice(_FAMILY), status=PersonStatus.DEACTIVATED)
        ),
        "everybody": several(DirectoryFilter),
    }


@dataclass
class _Clock:
    """Milliseconds between sending a statement and having its rows, summed over statements."""

    spent: float = 0.0
    begun: float = 0.0

    def attach(self, database: Database) -> None:
        """Measure every statement of the engine from now on."""
        engine = database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", self._begin)
        event.listen(engine, "after_cursor_execute", self._end)

    def _begin(self, *_: object) -> None:
        self.begun = time.perf_counter()

    def _end(self, *_: object) -> None:
        self.spent += (time.perf_counter() - self.begun) * 1000


async def _timed(database: Database, clock: _Clock, actor: Actor, wanted: DirectoryFilter) -> float:
    paging = PageRequest(CursorSigner(b"benchmark"))
    async with database.reading(actor) as session:
        await session.execute(text("SELECT 1"))  # the connection and who acts are no part of a search
        clock.spent = 0.0
        await find(session, actor, wanted, paging)
        return clock.spent


def _without_policies(conninfo: str, words: Sequence[str]) -> float:
    taken = []
    statement = "SELECT id, display_name FROM person WHERE search_text LIKE %s ORDER BY display_name, id LIMIT 51"
    with psycopg.connect(conninfo) as connection:
        for word in words:
            begin = time.perf_counter()
            connection.execute(statement, [f"%{fold(word)}%"]).fetchall()
            taken.append((time.perf_counter() - begin) * 1000)
    return _p95(taken)


def _p95(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1]
