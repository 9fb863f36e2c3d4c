"""The SQL that finds statements: one text for each combination of conditions, written so that indexes do the work.

A statement can be found in several ways: by its own columns, by what it mentions (tables of mentions), and by the
properties of a statement that it refers to (aliases). Each way is a branch that reads one index in the order of
`stored` and stops at the limit; the branches together have at most a few hundred rows to sort. Only then are the
statements themselves read and written as text.

Rows of `xapi_statement` that are looked up by `stored` stand in LATERAL subqueries with a limit of one: the planner
would otherwise be free to merge with the whole table. Selections by several keys are planned for their values, which
takes some milliseconds: the rarer of the keys must lead, and a plan for average ones is up to a hundred times slower.
Those by one key have but one good plan, and are prepared. Conditions compare UUIDs and times only, whose operators are
leakproof; others could use no index below row-level security.
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


_LIMITS: Final = (2, 11, 51, 101, 1001)


def enough_for(limit: int) -> int:
    """The number from a short list up to which branches read, when `limit` statements are wanted."""
    return next((most for most in _LIMITS if most >= limit), limit)


@dataclass(frozen=True, slots=True)
class Shape:
    """Which conditions a selection has; their values are parameters of the same names.

    `after` is a time before all that is found; the last time that may be, `until`, is always given. `own` is the
    condition on `sender` and `authority`, `institution` the one on the institution of the senders. `most` is what
    `enough_for` says of the parameter `limit`: the planner must know that it is small, and a plan for each limit would
    fill the memory of the server.
    """

    agent: bool
    related_agents: bool
    verb: bool
    activity: bool
    related_activities: bool
    registration: bool
    own: bool
    institution: bool
    after: bool
    ascending: bool
    most: int
    voided: bool = False

    @property
    def findable(self) -> str:
        """The condition that leaves voided statements out."""
        return "true" if self.voided else _FINDABLE

    @property
    def keys(self) -> int:
        """How many keys must lead to a statement."""
        return self.agent + self.verb + self.activity + self.registration + self.own + self.institution

    @property
    def is_prepared(self) -> bool:
        """Whether one plan is good for all values. Without a key, that depends on the times."""
        return self.keys == 1

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
                SELECT b.stored FROM ({found}) b GROUP BY b.stored ORDER BY b.stored {shape.order} LIMIT %(limit)s
            ) f
            {_statement_at("f")}
            JOIN xapi_authority w ON w.id = s.authority_id
        ) p ON true
        ORDER BY p.stored {shape.order}
        """,  # noqa: S608 - only this file's own words
        operation="select",
        table="xapi_statement",
        prepared=shape.is_prepared,
    )


JOIN_BY_MONTH: Final = DriverStatement(
    "SELECT set_config('enable_partitionwise_join', 'on', true)", operation="select", table=""
)
"""Before selections that join: the planner then knows that a time leads to one month, and not to each of them."""

ONE: Final = DriverStatement(
    f"""
    SELECT c.through, p.id, p.stored, p.text, p.sender_id, p.is_voided, p.institution_id
    FROM (SELECT {THROUGH} AS through) c
    LEFT JOIN (
        SELECT s.id, s.stored, {_TEXT} AS text, s.sender_id, NOT {_FINDABLE} AS is_voided, s.institution_id
        FROM xapi_statement_id f
        {_statement_at("f")}
        JOIN xapi_authority w ON w.id = s.authority_id
        WHERE f.id = %(id)s
    ) p ON true
    """,  # noqa: S608 - only this file's own words
    operation="select",
    table="xapi_statement_id",
)
"""One statement by its id, with its sender, whether it is voided, and the institution of the sender."""


class _Key(NamedTuple):
    """A key that leads to statements: a column with an index over it and `stored`, and the parameter that it equals.

    `also` is a further condition of the index, said aloud because a comparison of rows does not imply it.
    """

    table: str
    column: str
    parameter: str
    also: str = ""


_STATEMENT: Final = "xapi_statement"
_AGENT: Final = _Key(_STATEMENT, "agent_key", "agent")
_AGENT_OF_OBJECT: Final = _Key("xapi_statement_agent", "agent_key", "agent", "is_narrow")
_AGENT_BESIDE: Final = _Key("xapi_statement_agent", "agent_key", "agent")
_AGENT_OF_AUTHORITY: Final = _Key(_STATEMENT, "authority_id", "agent")
_ACTIVITY: Final = _Key(_STATEMENT, "activity_key", "activity")
_ACTIVITY_BESIDE: Final = _Key("xapi_statement_activity", "activity_key", "activity")
_VERB: Final = _Key(_STATEMENT, "verb_key", "verb")
_REGISTRATION: Final = _Key(_STATEMENT, "registration", "registration", "registration IS NOT NULL")
_AUTHORITY: Final = _Key(_STATEMENT, "authority_id", "authority")
_INSTITUTION: Final = _Key(_STATEMENT, "institution_id", "institution", "institution_id IS NOT NULL")


def _branches(shape: Shape) -> list[str]:
    """Each way in which a statement of this shape can be found."""
    ways: list[list[_Key]] = [[]]
    if shape.agent:
        related = [[_AGENT_BESIDE], [_AGENT_OF_AUTHORITY]]
        ways = [[_AGENT], *(related if shape.related_agents else [[_AGENT_OF_OBJECT]])]
    if shape.activity:
        activities = [_ACTIVITY, _ACTIVITY_BESIDE] if shape.related_activities else [_ACTIVITY]
        ways = [[*way, activity] for way in ways for activity in activities]
    asked = (
        *((shape.verb, _VERB), (shape.registration, _REGISTRATION)),
        *((shape.own, _AUTHORITY), (shape.institution, _INSTITUTION)),
    )
    others = [key for is_asked, key in asked if is_asked]
    branches = [_branch(shape, [*way, *others]) for way in ways]
    if shape.agent or shape.verb or shape.activity or shape.registration:
        branches.append(_alias_branch(shape))
    return branches


def _branch(shape: Shape, keys: Sequence[_Key]) -> str:
    """Statements to which all of the keys lead.

    Several keys are joined before any statement is looked at: their indexes together are a tenth of the statements.
    """
    conditions = ["s.sender_id = %(sender)s", shape.findable] if shape.own else [shape.findable]
    if not keys:
        return (
            f"SELECT s.stored FROM xapi_statement s {_where(*_between(shape, 's'), *conditions)}"  # noqa: S608 - only this file's own words
            f" ORDER BY s.stored {shape.order} LIMIT {shape.most}"
        )
    if len(keys) == 1:
        return _branch_of_one(shape, keys[0], conditions)
    tables, of_keys = [], []
    for place, key in enumerate(keys):
        name = f"k{place}"
        tables.append(f"{key.table} {name}" + (f" ON {name}.stored = k0.stored" if place else ""))
        of_keys += [f"{name}.{key.column} = %({key.parameter})s", *_between(shape, name)]
        of_keys += [f"{name}.{key.also}"] if key.also else []
    return (
        f"SELECT k0.stored FROM {' JOIN '.join(tables)} {_statement_at('k0', *conditions)}"  # noqa: S608 - only this file's own words
        f" {_where(*of_keys)} ORDER BY k0.stored {shape.order} LIMIT {shape.most}"
    )


def _branch_of_one(shape: Shape, key: _Key, conditions: Sequence[str]) -> str:
    """Statements to which one key leads, by a piece of its index, whatever the planner takes the key to be.

    The order is that of the index: a column that equals a parameter would drop out of it, and to sort all rows of the
    key might seem as cheap as to read the first hundred. It is, until the key is one of a million rows.
    """
    name = "s" if key.table == _STATEMENT else "k0"
    lookup = "" if key.table == _STATEMENT else _statement_at(name, *conditions)
    piece = _piece(shape, f"{name}.{key.column}", f"{name}.stored", key.parameter)
    piece += [f"{name}.{key.also}"] if key.also else []
    piece += conditions if key.table == _STATEMENT else []
    return (
        f"SELECT {name}.stored FROM {key.table} {name} {lookup} {_where(*piece)}"  # noqa: S608 - only this file's own words
        f" ORDER BY {name}.{key.column} {shape.order}, {name}.stored {shape.order} LIMIT {shape.most}"
    )


def _piece(shape: Shape, column: str, stored: str, parameter: str) -> list[str]:
    """The conditions that cut the rows of a key and the times in question out of an index over both."""
    start = f"({column}, {stored}) > (%({parameter})s, %(after)s)" if shape.after else f"{column} >= %({parameter})s"
    return [start, f"({column}, {stored}) <= (%({parameter})s, %(until)s)"]


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
    own: tuple[str, ...] = ()
    tables = "xapi_alias_key k"
    piece = _piece(shape, "k.key", "k.stored", key)
    if shape.own:
        own = ("s.sender_id = %(sender)s",)
        tables += " JOIN xapi_statement o ON o.stored = k.stored"
        piece += ["o.authority_id = %(authority)s", *_between(shape, "o")]
    if shape.institution:
        tables += " JOIN xapi_statement i ON i.stored = k.stored"
        piece += ["i.institution_id = %(institution)s", *_between(shape, "i")]
    alias = (
        f"SELECT DISTINCT k.key, k.stored FROM {tables}"  # noqa: S608 - only this file's own words
        f" CROSS JOIN LATERAL (SELECT FROM xapi_alias a WHERE {of_alias} LIMIT 1) a"
        f" {_statement_at('k', *own, shape.findable)}"
        f" {_where(*piece)} ORDER BY k.key {shape.order}, k.stored {shape.order} LIMIT {shape.most}"
    )
    return f"SELECT stored FROM ({alias}) alias"  # noqa: S608 - only this file's own words


def _between(shape: Shape, name: str) -> list[str]:
    bounds = [f"{name}.stored <= %(until)s"]
    if shape.after:
        bounds.append(f"{name}.stored > %(after)s")
    return bounds


def _where(*conditions: str) -> str:
    return f"WHERE {' AND '.join(conditions)}"
