"""How PostgreSQL finds statements among many: by indexes, without reading or sorting what is not asked for.

The plans are those of the application role below row-level security, with frequent and rare keys; selections that are
prepared are planned without knowing their values, as the server does after some requests.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from academe.lrs.keys import key_uuid
from academe.lrs.statements.queries import Filter, _parameters
from academe.lrs.statements.selection import JOIN_BY_MONTH, Shape, enough_for, selection
from academe.platform.ids import new_id
from tests.lrs.statements.kept import sender_named
from tests.support.databases import ServerOfTests

STATEMENTS: Final = 40_000
MONTHS: Final = 3
LIMIT: Final = 100
NOW: Final = datetime.now(UTC).replace(microsecond=0)
SINCE: Final = NOW - timedelta(days=40)
KINDS: Final = {"after": "timestamptz", "until": "timestamptz", "limit": "smallint"}
SENDER: Final = sender_named("lms")
RARE_SENDER: Final = sender_named("tool")
INSTITUTION: Final = new_id()
TWENTIETH: Final = new_id()
"""Two institutions; the second has a twentieth of the statements."""


def agent(number: int) -> str:
    return f"account:https://campus.example.edu|s{number}"


def verb(number: int) -> str:
    return f"https://example.com/verbs/{number}"


def activity(number: int) -> str:
    return f"https://campus.example.edu/activity/{number}"


# Agent 0 and verb 0 stand in every third statement, the last of each in a few. Every statement mentions a course, one
# of ten, and every other a tutor; every fiftieth refers to the one before it, and every hundredth is voided.
GENERATE: Final = """
    CREATE TEMP TABLE made AS
    SELECT g, %(now)s::timestamptz - (%(count)s - g) * (interval '75 days' / %(count)s) AS stored,
        %(now)s::timestamptz - (%(count)s - g - 1) * (interval '75 days' / %(count)s) AS next_stored,
        gen_random_uuid() AS id, gen_random_uuid() AS registration, a.key AS agent, v.key AS verb, t.key AS activity,
        c.key AS course, u.key AS tutor
    FROM generate_series(1, %(count)s) g
    JOIN keys a ON a.kind = 'agent' AND a.n = CASE WHEN g % 3 = 0 THEN 0 ELSE g % 997 END
    JOIN keys v ON v.kind = 'verb' AND v.n = CASE WHEN g % 3 = 1 THEN 0 ELSE g % 53 END
    JOIN keys t ON t.kind = 'activity' AND t.n = CASE WHEN g % 5 = 0 THEN 0 ELSE g % 499 END
    JOIN keys c ON c.kind = 'course' AND c.n = g % 10
    JOIN keys u ON u.kind = 'tutor' AND u.n = g % 11
    ORDER BY g;
    INSERT INTO xapi_statement (stored, id, sender_id, authority_id, agent_key, verb_key, activity_key, registration,
        happened_at, version, kind, statement, institution_id)
    SELECT stored, id, CASE WHEN g % 500 = 0 THEN %(rare)s ELSE %(sender)s END::uuid,
        CASE WHEN g % 500 = 0 THEN %(rare_authority)s ELSE %(authority)s END::uuid,
        agent, verb, activity, registration, stored, '2.0.0', 'other',
        jsonb_build_object('version', '2.0.0', 'result', jsonb_build_object('response', repeat(md5(g::text), 24))),
        CASE WHEN g % 20 = 7 THEN %(twentieth)s ELSE %(institution)s END::uuid
    FROM made ORDER BY g;
    INSERT INTO xapi_statement_id SELECT id, stored FROM made;
    INSERT INTO xapi_statement_activity SELECT course, stored FROM made ORDER BY g;
    INSERT INTO xapi_statement_agent SELECT tutor, stored, g % 100 = 0 FROM made WHERE g % 2 = 0 ORDER BY g;
    INSERT INTO xapi_voided SELECT id, stored FROM made WHERE g % 100 = 1;
    INSERT INTO xapi_alias
    SELECT next_stored, id, verb, activity, registration, ARRAY[agent], ARRAY[agent], ARRAY[activity],
        ARRAY[agent, verb, activity, registration]
    FROM made WHERE g % 50 = 1;
    INSERT INTO xapi_authority
    VALUES (%(authority)s, %(authority)s, '{}'), (%(rare_authority)s, %(rare_authority)s, '{}')
"""
FILTERS: Final = {
    "everything": Filter(),
    "oldest first": Filter(ascending=True),
    "since": Filter(since=SINCE, ascending=True),
    "until": Filter(until=SINCE),
    "frequent agent": Filter(agent=agent(0)),
    "rare agent": Filter(agent=agent(996)),
    "unknown agent": Filter(agent="mbox:nobody@example.com"),
    "frequent verb": Filter(verb=verb(0)),
    "rare verb": Filter(verb=verb(52)),
    "frequent activity": Filter(activity=activity(0)),
    "rare activity": Filter(activity=activity(498)),
    "related activity": Filter(activity=activity(10_003), related_activities=True),
    "related agent": Filter(agent=agent(20_003), related_agents=True),
    "narrow agent of many wide mentions": Filter(agent=agent(20_003)),
    "authority": Filter(agent=RARE_SENDER.authority_key, related_agents=True),
    "own": Filter(sent_by=RARE_SENDER),
    "own of none": Filter(sent_by=sender_named("new")),
    "agent since": Filter(agent=agent(0), since=SINCE),
    "agent and verb": Filter(agent=agent(996), verb=verb(0)),
    "frequent agent and rare verb": Filter(agent=agent(0), verb=verb(52)),
    "verb and related activity": Filter(verb=verb(0), activity=activity(10_003), related_activities=True),
    "agent and related activity": Filter(agent=agent(996), activity=activity(10_003), related_activities=True),
    "all together": Filter(
        agent=agent(996),
        related_agents=True,
        verb=verb(0),
        activity=activity(10_003),
        related_activities=True,
        since=SINCE,
    ),
    "own and agent": Filter(sent_by=RARE_SENDER, agent=agent(0)),
    "registration since": Filter(registration=new_id(), since=SINCE),
    "institution": Filter(institution_id=INSTITUTION),
    "a twentieth": Filter(institution_id=TWENTIETH),
    "since, of a twentieth": Filter(institution_id=TWENTIETH, since=SINCE, ascending=True),
    "frequent verb of an institution": Filter(institution_id=INSTITUTION, verb=verb(0)),
    "frequent verb of a twentieth": Filter(institution_id=TWENTIETH, verb=verb(0)),
    "frequent agent of a twentieth": Filter(institution_id=TWENTIETH, agent=agent(0)),
    "related activity of a twentieth": Filter(
        institution_id=TWENTIETH, activity=activity(10_003), related_activities=True
    ),
    "institution of none": Filter(institution_id=new_id(), verb=verb(0)),
}


@pytest.fixture(scope="module")
def connection(server: ServerOfTests, worker_id: str) -> Iterator[psycopg.Connection]:
    """A connection of the application role to a database with many statements."""
    name = f"academe_{worker_id}_many_statements"
    server.clone(name)
    with server.superuser(name) as connection:
        _generate(connection)
        connection.execute("SET ROLE academe_app")
        connection.execute("SELECT set_config('academe.actor_kind', 'system', false)")
        connection.prepare_threshold = None
        yield connection
    server.drop(name)


def _generate(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TEMP TABLE keys (kind text, n integer, key uuid, PRIMARY KEY (kind, n))")
    numbers = {"agent": (997, agent, 0), "verb": (53, verb, 0), "activity": (499, activity, 0)}
    numbers |= {"course": (10, activity, 10_000), "tutor": (11, agent, 20_000)}
    with connection.cursor() as cursor, cursor.copy("COPY keys FROM STDIN") as copy:
        for kind, (count, name, first) in numbers.items():
            for number in range(count):
                copy.write_row((kind, number, key_uuid(name(first + number))))
    first_day, last_day = (NOW - timedelta(days=80)).date(), (NOW + timedelta(days=40)).date()
    for table in ("xapi_statement", "xapi_statement_agent", "xapi_statement_activity"):
        connection.execute("SET ROLE academe_owner")
        connection.execute("SELECT ensure_month_partitions(%s::regclass, %s, %s)", (table, first_day, last_day))
        connection.execute("RESET ROLE")
    senders = {"sender": SENDER.id, "rare": RARE_SENDER.id, "authority": key_uuid(SENDER.authority_key)}
    senders |= {"institution": INSTITUTION, "twentieth": TWENTIETH}
    senders["rare_authority"] = key_uuid(RARE_SENDER.authority_key)
    values = {"now": NOW.isoformat(), "count": STATEMENTS, **senders}
    written = re.sub(r"%\((\w+)\)s", lambda match: _literal(values[match[1]]), GENERATE)
    connection.execute(written.encode())
    connection.execute("VACUUM ANALYZE")


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def _plan(connection: psycopg.Connection, wanted: Filter) -> dict[str, Any]:
    """The plan that the server would use for this filter, with what it really did."""
    values = {**_parameters(wanted, None), "limit": LIMIT + 1}
    shape = Shape(
        agent=wanted.agent is not None,
        related_agents=wanted.related_agents,
        verb=wanted.verb is not None,
        activity=wanted.activity is not None,
        related_activities=wanted.related_activities,
        registration=wanted.registration is not None,
        own=wanted.sent_by is not None,
        institution=wanted.institution_id is not None,
        after="after" in values,
        ascending=wanted.ascending,
        most=enough_for(LIMIT + 1),
    )
    names = sorted(values)
    text = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", selection(shape).sql)
    kinds = ", ".join(KINDS.get(name, "uuid") for name in names)
    with connection.transaction():
        if shape.keys > 1:
            connection.execute(JOIN_BY_MONTH.sql)
        mode = "force_generic_plan" if shape.is_prepared else "force_custom_plan"
        connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        connection.execute(f"PREPARE asked ({kinds}) AS {text}")
        given = ", ".join(f"'{values[name]}'" for name in names)
        (row,) = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked ({given})").fetchall()
        connection.execute("DEALLOCATE asked")
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


@pytest.mark.parametrize("name", FILTERS)
def test_plan(connection: psycopg.Connection, name: str) -> None:
    plan = _plan(connection, FILTERS[name])
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    for node in _nodes(plan):
        rows = node["Actual Rows"] * node["Actual Loops"]
        if node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith("xapi_statement"):
            assert rows + node.get("Rows Removed by Filter", 0) == 0, f"reads all of {node['Relation Name']}"
        if node["Node Type"] == "Sort":
            assert rows <= 20 * LIMIT, "sorts what it does not return"
    everything = connection.execute(
        "SELECT pg_relation_size(c.oid) / 8192 FROM pg_class c WHERE relname LIKE %s", ("xapi_statement_y%",)
    )
    assert blocks < sum(row[0] for row in everything) / 2, "reads most of the statements"
