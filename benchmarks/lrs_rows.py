"""Statements for the benchmark of the LRS: about 1 kB each, by 5,000 learners about 400 questions in 40 courses."""

import json
from typing import Any, Final

import psycopg

from academe.lrs.keys import key_text
from academe.lrs.xapi.identity import key_of

HOME: Final = "https://university.example.org"
LEARNERS: Final = 5_000
VERBS: Final = ("answered", "attempted", "completed", "experienced", "passed")


def agent_of(number: int) -> dict[str, Any]:
    """A learner."""
    return {"objectType": "Agent", "account": {"homePage": HOME, "name": f"s{number % LEARNERS}"}}


def course_of(number: int) -> str:
    """The course of a statement."""
    return f"{HOME}/course/{number % 40}"


def statement_of(number: int) -> dict[str, Any]:
    """A statement of about 1 kB, without an id."""
    question = number % 400
    return {
        "actor": {**agent_of(number), "name": f"Learner {number % LEARNERS}"},
        "verb": {"id": f"http://adlnet.gov/expapi/verbs/{VERBS[number % 5]}", "display": {"en-US": VERBS[number % 5]}},
        "object": {
            "id": f"{HOME}/question/{question}",
            "definition": {
                "type": "http://adlnet.gov/expapi/activities/question",
                "name": {"en": f"Question {question}"},
                "description": {"en": "Which of these statements about the light reactions of photosynthesis is true?"},
            },
        },
        "result": {
            "score": {"scaled": 0.8, "raw": 8, "min": 0, "max": 10},
            "success": True,
            "completion": True,
            "duration": f"PT1M{number % 60}S",
        },
        "context": {
            "registration": f"00000000-0000-4000-8000-{number % LEARNERS:012d}",
            "contextActivities": {
                "parent": [{"id": f"{HOME}/quiz/{number % 80}"}],
                "grouping": [{"id": course_of(number)}],
            },
            "platform": "Example",
            "language": "en",
            "extensions": {f"{HOME}/extensions/device": "tablet", f"{HOME}/extensions/attempt": number % 3},
        },
        "timestamp": f"2026-11-21T10:{number % 60:02d}:00.123Z",
    }


_MONTH: Final = ("2026-10-01 00:00:00+00", "2026-11-01 00:00:00+00")
_OF_MONTH: Final = f"FOR VALUES FROM ('{_MONTH[0]}') TO ('{_MONTH[1]}')"
_BY_MONTH: Final = ("xapi_statement", "xapi_statement_activity", "xapi_statement_agent")

# Rows as the intake writes them, spread over October; a learner, a question and a course come round again and again.
_NUMBERS: Final = """
    FROM (
        SELECT n, timestamptz '2026-10-01 00:00:00+00' + n * interval '30 days' / %(count)s AS stored
        FROM generate_series(1, %(count)s) n
    ) numbers
"""
_STATEMENTS: Final = f"""
    INSERT INTO xapi_statement_y2026m10 (stored, id, sender_id, authority_id, agent_key, verb_key, activity_key,
        registration, happened_at, version, kind, duration_seconds, statement)
    SELECT stored, md5(n::text)::uuid, %(sender)s, %(authority)s, (%(agents)s::uuid[])[1 + n %% 5000],
        (%(verbs)s::uuid[])[1 + n %% 5], (%(questions)s::uuid[])[1 + n %% 400], md5('r' || n %% 5000)::uuid, stored,
        '2.0.0', 'question', n %% 60, %(statement)s::jsonb
    {_NUMBERS}
"""
_IDS: Final = f"INSERT INTO xapi_statement_id (id, stored) SELECT md5(n::text)::uuid, stored {_NUMBERS}"
_ACTIVITIES: Final = f"""
    INSERT INTO xapi_statement_activity_y2026m10 (activity_key, stored)
    SELECT unnest(ARRAY[(%(courses)s::uuid[])[1 + n %% 40], (%(quizzes)s::uuid[])[1 + n %% 80]]), stored
    {_NUMBERS}
"""


def fill(conninfo: str, count: int) -> None:
    """Write so many statements straight into the tables, in place of those of October that are there.

    Tables get their rows first and their indexes afterwards, by which ten million take minutes.
    """
    with psycopg.connect(conninfo) as connection:
        sender, authority = connection.execute(
            "SELECT s.id, a.id FROM xapi_sender s, xapi_authority a ORDER BY s.created_at DESC LIMIT 1"
        ).fetchone() or (None, None)
        values = {
            **_keys(),
            "count": count,
            "sender": sender,
            "authority": authority,
            "statement": json.dumps(statement_of(1)),
        }
        for table in _BY_MONTH:
            connection.execute(f"DROP TABLE IF EXISTS {table}_y2026m10")
            connection.execute(f"CREATE TABLE {table}_y2026m10 (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        connection.execute(_STATEMENTS, values)
        connection.execute(_ACTIVITIES, values)
        for table in _BY_MONTH:
            connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_y2026m10 {_OF_MONTH}")
        _fill_ids(connection, values)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _fill_ids(connection: "psycopg.Connection[tuple[object, ...]]", values: dict[str, object]) -> None:
    connection.execute(
        "CREATE TEMP TABLE other_id ON COMMIT DROP AS SELECT * FROM xapi_statement_id WHERE stored >= %s", [_MONTH[1]]
    )
    connection.execute("TRUNCATE xapi_statement_id")
    connection.execute("ALTER TABLE xapi_statement_id DROP CONSTRAINT pk_xapi_statement_id")
    connection.execute("INSERT INTO xapi_statement_id SELECT * FROM other_id")
    connection.execute(_IDS, values)
    connection.execute("ALTER TABLE xapi_statement_id ADD CONSTRAINT pk_xapi_statement_id PRIMARY KEY (id)")


def _keys() -> dict[str, list[str]]:
    return {
        "agents": [key_text(str(key_of(agent_of(number)))) for number in range(LEARNERS)],
        "verbs": [key_text(f"http://adlnet.gov/expapi/verbs/{verb}") for verb in VERBS],
        "questions": [key_text(f"{HOME}/question/{number}") for number in range(400)],
        "courses": [key_text(course_of(number)) for number in range(40)],
        "quizzes": [key_text(f"{HOME}/quiz/{number}") for number in range(80)],
    }
