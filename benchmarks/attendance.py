"""`academe benchmark attendance`: the marks of a class of 300 in one request, over HTTP.

The reference, taken in turn with it, is one `INSERT … SELECT FROM unnest` of the same rows into the same table by the
same role, committed: no check of who may, who is enrolled or what was there, no audit, no fact.
"""

import json
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any, Final
from uuid import UUID

import psycopg

from academe.platform.database.embedded import EmbeddedServer
from academe.platform.database.engine import APP_ROLE
from academe.platform.ids import new_id
from benchmarks.framework import Context, Measure, absolute, relative
from benchmarks.served import Served, served_demo

CALLER: Final = "lecturer@demo.example"
TERM: Final = "2013J"
STUDENTS: Final = 300
ROUNDS: Final = 21

_SYSTEM: Final = "SELECT set_config('academe.actor_kind', 'system', true)"
_OFFERING: Final = """
    SELECT offering.id, offering.starts_on FROM offering JOIN term ON term.id = offering.term_id WHERE term.code = %s
"""
_CLASS: Final = """
    SELECT student_id FROM enrollment WHERE offering_id = %s AND status IN ('enrolled', 'completed')
    ORDER BY student_id LIMIT %s
"""
_RECORDER: Final = "SELECT person_id FROM account WHERE email = %s"
_INSERT: Final = """
    INSERT INTO attendance (id, meeting_id, offering_id, student_id, date, status, recorded_by)
    SELECT id, %s, %s, student_id, %s, status, %s
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS mark (id, student_id, status)
"""


def measure(context: Context) -> Sequence[Measure]:
    """The median time of a request beside that of the bare statement."""
    with served_demo(context) as served:
        cookie = served.sign_in(CALLER)
        server = EmbeddedServer(served.settings.data_dir / "postgres")
        with psycopg.connect(server.conninfo(role=APP_ROLE)) as connection:
            offering, day, recorder, students = _class(connection)
            meeting = _meeting(served, cookie, offering, day)
            requests, statements = [], []
            for number in range(ROUNDS):
                _forget(connection, meeting)
                requests.append(_request(served, cookie, meeting, students))
                _forget(connection, meeting)
                statements.append(_statement(connection, meeting, offering, day, recorder, students))
                if number % 5 == 0:
                    context.say(f"Round {number + 1} of {ROUNDS}")
    request, statement = statistics.median(requests[1:]), statistics.median(statements[1:])
    return [
        relative(
            f"{STUDENTS} marks in one request, beside one statement",
            request * 1000,
            statement * 1000,
            "ms",
            "at most",
            2.5,
        ),
        absolute("marks a second, one request after the other", STUDENTS / request, "/s"),
    ]


def _class(connection: psycopg.Connection[Any]) -> tuple[UUID, date, UUID, list[UUID]]:
    with connection.transaction():
        connection.execute(_SYSTEM)
        offering, day = connection.execute(_OFFERING, [TERM]).fetchone() or (None, None)
        rows = connection.execute(_CLASS, [offering, STUDENTS]).fetchall()
        (recorder,) = connection.execute(_RECORDER, [CALLER]).fetchone() or (None,)
    if offering is None or day is None or recorder is None or len(rows) < STUDENTS:
        raise AssertionError(f"the demo has {len(rows)} students in its class instead of {STUDENTS}")
    return offering, day, recorder, [row[0] for row in rows]


def _meeting(served: Served, cookie: str, offering: UUID, day: date) -> UUID:
    begins = datetime.combine(day, time_of_day(9), UTC)
    body = {
        "kind": "lecture",
        "title": "Benchmark",
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=1)).isoformat(),
    }
    made = json.loads(served.request("POST", f"/api/v1/offerings/{offering}/meetings", cookie, body))
    return UUID(made["id"])


def _forget(connection: psycopg.Connection[Any], meeting: UUID) -> None:
    with connection.transaction():
        connection.execute(_SYSTEM)
        connection.execute("DELETE FROM attendance WHERE meeting_id = %s", [meeting])


def _request(served: Served, cookie: str, meeting: UUID, students: Sequence[UUID]) -> float:
    marks = [{"student_id": str(student), "status": _status(index)} for index, student in enumerate(students)]
    started = time.perf_counter()
    served.request("PUT", f"/api/v1/meetings/{meeting}/attendance", cookie, {"marks": marks})
    return time.perf_counter() - started


def _statement(
    connection: psycopg.Connection[Any],
    meeting: UUID,
    offering: UUID,
    day: date,
    recorder: UUID,
    students: Sequence[UUID],
) -> float:
    ids = [new_id() for _ in students]
    statuses = [_status(index) for index in range(len(students))]
    started = time.perf_counter()
    with connection.transaction():
        connection.execute(_SYSTEM)
        connection.execute(_INSERT, [meeting, offering, day, recorder, ids, list(students), statuses])
    return time.perf_counter() - started


def _status(index: int) -> str:
    return "absent" if index % 10 == 0 else "present"
