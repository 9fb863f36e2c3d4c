"""The SQL that finds statements: one text for each combination of conditions, written so that indexes do the work.

A statement can be found in several ways: by its own columns, by what it mentions (tables of mentions), and by the
properties of a statement that it refers to (aliases). Each way is a branch that reads one index in the order of
`stored` and stops at the limit; the branches together have at most a few hundred rows to sort. Only then are the
statements themselves read and written as text.

Rows of `xapi_statement` that are looked up by `stored` stand in LATERAL subqueries with a limit of one: the planner
would otherwise be free to merge with the whole table. Conditions compare UUIDs and times only, whose operators are
leakproof; others could use no index below row-level security.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from academe.lrs.keys import key_uuid
from academe.lrs.xapi.objects import VOIDED
from academe.platform.database.driver import DriverStatement

# With OFFSET it is neither hashed nor joined: one look into an index for each statement, however many are voided. And the
# planner takes half of all statements to be voided; an IS NULL would be 199 of 200, and no index be worth its order.
_FINDABLE: Final = (
    f"(s.verb_key = '{key_uuid(VOIDED)}'::uuid"  # noqa: S608 - only this file's own words
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

    `after` is a time before all that is found, `until` the last time that may be found. `own` is the condition on
    `sender` and `authority`. `limit` is the number of statements.
    """

    agent: bool
    related_agents: bool
    verb: bool
    activity: bool
    related_activities: bool
    registration: bool
    own: bool
    after: bool
    until: bool
    ascending: bool
    limit: int

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
    )


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


def _branches(shape: Shape) -> list[str]:
    """Each way in which a statement of this shape can be found."""
    agents: list[tuple[str, str]] = [("", "")]
    if shape.agent:
        agents = [("", "s.agent_key = %(agent)s"), ("g", "g.agent_key = %(agent)s")]
        if shape.related_agents:
            agents.append(("", "s.authority_id = %(agent)s"))
        else:
            agents[1] = ("g", "g.agent_key = %(agent)s AND g.is_narrow")
    activities: list[tuple[str, str]] = [("", "")]
    if shape.activity:
        activities = [("", "s.activity_key = %(activity)s")]
        if shape.related_activities:
            activities.append(("m", "m.activity_key = %(activity)s"))
    branches = [_branch(shape, agent, activity) for agent in agents for activity in activities]
    if shape.agent or shape.verb or shape.activity or shape.registration:
        branches.append(_alias_branch(shape))
    return branches


_MENTIONS: Final = {"g": "xapi_statement_agent", "m": "xapi_statement_activity"}


def _branch(shape: Shape, agent: tuple[str, str], activity: tuple[str, str]) -> str:
    """Statements whose own columns and mentions meet the conditions."""
    mentions = [(name, condition) for name, condition in (agent, activity) if name]
    of_statement = [condition for name, condition in (agent, activity) if condition and not name]
    if shape.verb:
        of_statement.append("s.verb_key = %(verb)s")
    if shape.registration:
        of_statement.append("s.registration = %(registration)s")
    if shape.own:
        of_statement += ["s.authority_id = %(authority)s", "s.sender_id = %(sender)s"]
    end = f"ORDER BY {{}}.stored {shape.order} LIMIT {shape.limit}"
    if not mentions:
        where = _where(*_between(shape, "s"), *of_statement, _FINDABLE)
        return f"SELECT s.stored FROM xapi_statement s {where} {end.format('s')}"  # noqa: S608 - only this file's own words
    first, condition = mentions[0]
    tables = f"{_MENTIONS[first]} {first}"
    conditions = [*_between(shape, first), condition]
    for name, other in mentions[1:]:
        tables += f" JOIN {_MENTIONS[name]} {name} ON {name}.stored = {first}.stored"
        conditions += [*_between(shape, name), other]
    if of_statement:
        # The statement has keys of its own, and the planner may begin with the rarer ones.
        tables += f" JOIN xapi_statement s ON s.stored = {first}.stored"
        conditions += [*_between(shape, "s"), *of_statement, _FINDABLE]
    else:
        tables += " " + _statement_at(first, _FINDABLE)
    return f"SELECT {first}.stored FROM {tables} {_where(*conditions)} {end.format(first)}"  # noqa: S608 - only this file's own words


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
    bounds = []
    if shape.after:
        bounds.append(f"{name}.stored > %(after)s")
    if shape.until:
        bounds.append(f"{name}.stored <= %(until)s")
    return bounds


def _where(*conditions: str) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
