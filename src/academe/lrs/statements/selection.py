"""The SQL that finds statements: one text for each combination of conditions, written so that indexes do the work.

A statement can be found in several ways: by its own columns, by what it mentions (tables of mentions), and by the
properties of a statement that it refers to (aliases). Each way is a branch that reads one index in the order of
`stored` and stops at the limit; the branches together have at most a few hundred rows to sort. Only then are the
statements themselves read and written as text.

Rows of `xapi_statement` that are looked up by `stored` stand in LATERAL subqueries with a limit of one: the planner
would otherwise be free to merge with the whole table. Selections are planned for their values, which takes 1 to 4 ms:
of two conditions, the one with the rarer value must lead, and a plan for average values is up to a hundred times
slower. Conditions compare UUIDs and times only, whose operators are leakproof; others could use no index below
row-level security.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from academe.lrs.keys import key_uuid
from academe.lrs.xapi.objects import VOIDED
from academe.platform.database.driver import DriverStatement

# With OFFSET it is neither hashed nor joined: one look into an index for each statement, however many are voided. And
# the planner takes it to hold for half of all statements; an IS NULL would for one in 200, and no order be worth much.
_FINDABLE: Final = (
    f"(s.verb_key = '{key_uuid(VOIDED)}'::uuid"
    " OR NOT EXISTS (SELECT FROM xapi_voided v WHERE v.statement_id = s.id OFFSET 0))"
)

_NEWEST: Final = "SELECT stored FROM xapi_statement ORDER BY stored DESC LIMIT 1"
THROUGH: Final = f"xapi_consistent_through(({_NEWEST}))"

_TIME: Final = """to_char(s.stored AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

# Texts are put together instead of JSON: to merge JSONB would cost as much again as to write it.
_TEXT: Final = (
    f"""'{{"id": "' || s.id || '", "stored": "' || {_TIME}"""
    f""" || CASE WHEN s.statement ? 'timestamp' THEN '' ELSE '", "timestamp": "' || {_TIME} END"""
    """ || '", "authority": ' || w.agent::text || ', ' || substr(s.statement::text, 2)"""
)


def _statement_at(name: str, *conditions: str) -> str:
    """The statement that was stored when a row of `name` says, as `s`, if it meets the conditions."""
    where = " AND ".join((f"s.stored = {name}.stored", *conditions))
    return f"CROSS JOIN LATERAL (SELECT * FROM xapi_statement s WHERE {where} LIMIT 1) s"  # noqa: S608 - only this file's own words


@dataclass(frozen=True, slots=True)
class Shape:
    """Which conditions a selection has; their values are parameters of the same names.

    `after` is a time before all that is found; the last time that may be, `until`, is always given. `own` is the
    condition on `sender` and `authority`. `limit` is the number of statements.
    """

    agent: bool
    related_agents: bool
    verb: bool
    activity: bool
    related_activities: bool
    registration: bool
    own: bool
    after: bool
    ascending: bool
    limit: int

    @property
    def joins(self) -> bool:
        """Whether several keys must lead to a statement."""
        return self.agent + self.verb + self.activity + self.registration > 1

    @property
    def order(self) -> str:
        """The direction of `stored`."""
        return "ASC" if self.ascending else "DESC"


@lru_cache(maxsize=1024)
def selection(shape: Shape) -> DriverStatement:
    """The statement for a shape. Its rows are `through`, `id`, `stored` and `text`; one row of nulls for none.

    `through` is the time up to which the rows are complete; null when nothing was ever stored.
    """
    found = " UNION ALL ".join(f"({branch})" for branch in _branches(shape))
    return DriverStatement(
        f"""
        SELECT c.through, p.id, p.stored, p.text
        FROM (SELECT {THROUGH} AS through) c
        LEFT JOIN (
            SELECT s.id, s.stored, {_TEXT} AS text
            FROM (
                SELECT b.stored FROM ({found}) b GROUP BY b.stored ORDER BY b.stored {shape.order} LIMIT {shape.limit}
            ) f
            {_statement_at("f")}
            JOIN xapi_authority w ON w.id = s.authority_id
        ) p ON true
        ORDER BY p.stored {shape.order}
        """,  # noqa: S608 - only this file's own words
        operation="select",
        table="xapi_statement",
        prepared=False,
    )


JOIN_BY_MONTH: Final = DriverStatement(
    "SELECT set_config('enable_partitionwise_join', 'on', true)", operation="select", table=""
)
"""Before selections that join: the planner then knows that a time leads to one month, and not to each of them."""

ONE: Final = DriverStatement(
    f"""
    SELECT c.through, p.id, p.stored, p.text, p.sender_id, p.is_voided
    FROM (SELECT {THROUGH} AS through) c
    LEFT JOIN (
        SELECT s.id, s.stored, {_TEXT} AS text, s.sender_id, NOT {_FINDABLE} AS is_voided
        FROM xapi_statement_id f
        {_statement_at("f")}
        JOIN xapi_authority w ON w.id = s.authority_id
        WHERE f.id = %(id)s
    ) p ON true
    """,  # noqa: S608 - only this file's own words
    operation="select",
    table="xapi_statement_id",
)
"""One statement by its id, with its sender and whether it is voided."""


class _Key(NamedTuple):
    """A key that leads to statements: a table with an index over it and `stored`, and the condition, for a name."""

    table: str
    condition: str


_STATEMENT: Final = "xapi_statement"
_AGENT: Final = "{}.agent_key = %(agent)s"
_ACTIVITY: Final = "{}.activity_key = %(activity)s"


def _branches(shape: Shape) -> list[str]:
    """Each way in which a statement of this shape can be found."""
    ways: list[list[_Key]] = [[]]
    if shape.agent:
        agents = [_Key(_STATEMENT, _AGENT), _Key("xapi_statement_agent", f"{_AGENT} AND {{}}.is_narrow")]
        if shape.related_agents:
            agents[1] = _Key("xapi_statement_agent", _AGENT)
            agents.append(_Key(_STATEMENT, "{}.authority_id = %(agent)s"))
        ways = [[agent] for agent in agents]
    if shape.activity:
        activities = [_Key(_STATEMENT, _ACTIVITY)]
        if shape.related_activities:
            activities.append(_Key("xapi_statement_activity", _ACTIVITY))
        ways = [[*way, activity] for way in ways for activity in activities]
    others = [_Key(_STATEMENT, "{}.verb_key = %(verb)s")] if shape.verb else []
    if shape.registration:
        others.append(_Key(_STATEMENT, "{}.registration = %(registration)s"))
    branches = [_branch(shape, [*way, *others]) for way in ways]
    if shape.agent or shape.verb or shape.activity or shape.registration:
        branches.append(_alias_branch(shape))
    return branches


def _branch(shape: Shape, keys: Sequence[_Key]) -> str:
    """Statements to which all of the keys lead.

    Several keys are joined before any statement is looked at: their indexes together are a tenth of the statements.
    """
    own = ("s.authority_id = %(authority)s", "s.sender_id = %(sender)s") if shape.own else ()
    end = f"ORDER BY {{}}.stored {shape.order} LIMIT {shape.limit}"
    if not keys or (len(keys) == 1 and keys[0].table == _STATEMENT):
        of_key = [key.condition.format("s") for key in keys]
        where = _where(*_between(shape, "s"), *of_key, *own, _FINDABLE)
        return f"SELECT s.stored FROM xapi_statement s {where} {end.format('s')}"  # noqa: S608 - only this file's own words
    tables, conditions = [], []
    for place, key in enumerate(keys):
        name = f"k{place}"
        tables.append(f"{key.table} {name}" + (f" ON {name}.stored = k0.stored" if place else ""))
        conditions += [key.condition.replace("{}", name), *_between(shape, name)]
    found = f"{' JOIN '.join(tables)} {_statement_at('k0', *own, _FINDABLE)}"
    return f"SELECT k0.stored FROM {found} {_where(*conditions)} {end.format('k0')}"  # noqa: S608 - only this file's own words


def _alias_branch(shape: Shape) -> str:
    """Statements that refer, directly or not, to one that meets the conditions."""
    conditions = []
    # The index has one of the keys to look for: the one that is rarest as a rule.
    key = ""
    if shape.verb:
        key = "verb"
        conditions.append("a.verb_key = %(verb)s")
    if shape.registration:
        key = "registration"
        conditions.append("a.registration = %(registration)s")
    if shape.activity:
        key = "activity"
        related = "%(activity)s = ANY (a.related_activity_keys)"
        conditions.append(related if shape.related_activities else "a.activity_key = %(activity)s")
    if shape.agent:
        key = "agent"
        keys = "related_agent_keys" if shape.related_agents else "agent_keys"
        conditions.append(f"%(agent)s = ANY (a.{keys})")
    of_alias = " AND ".join(("a.stored = k.stored", "a.target_id = k.target_id", *conditions))
    own = ("s.sender_id = %(sender)s",) if shape.own else ()
    return (
        f"SELECT DISTINCT k.stored FROM xapi_alias_key k"  # noqa: S608 - only this file's own words
        f" CROSS JOIN LATERAL (SELECT FROM xapi_alias a WHERE {of_alias} LIMIT 1) a"
        f" {_statement_at('k', *own, _FINDABLE)}"
        f" {_where(f'k.key = %({key})s', *_between(shape, 'k'))}"
        f" ORDER BY k.stored {shape.order} LIMIT {shape.limit}"
    )


def _between(shape: Shape, name: str) -> list[str]:
    bounds = [f"{name}.stored <= %(until)s"]
    if shape.after:
        bounds.append(f"{name}.stored > %(after)s")
    return bounds


def _where(*conditions: str) -> str:
    return f"WHERE {' AND '.join(conditions)}"
