"""What the process sees of its statements and connections: durations by table, slow statements, the pool."""

import re
import time
from typing import Any, Final

from prometheus_client import Counter, Histogram
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from academe.platform.database.session import Database
from academe.platform.logging import get_logger
from academe.platform.metrics import CONNECTIONS_IN_USE, CONNECTIONS_OPEN, QUERY_SECONDS, SLOW_QUERIES

_REMEMBERED_STATEMENTS: Final = 2000
_LONGEST_LOGGED: Final = 2000
_STARTED: Final = "academe_started"

# Names are matched in statements of our own making, to label them; nothing is decided by it.
_OPERATION: Final = re.compile(r"\s*(?:/\*.*?\*/\s*)*(\w+)", re.DOTALL)
_WRITTEN: Final = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY|MERGE\s+INTO)\s+(?:ONLY\s+)?\"?(\w+)", re.I)
_READ: Final = re.compile(r"\bFROM\s+(?:ONLY\s+|LATERAL\s+)?\"?(\w+)", re.I)
_OPERATIONS: Final = frozenset({"select", "insert", "update", "delete", "copy", "merge"})

_log = get_logger()


def observe(database: Database) -> None:
    """Measure and log what goes over the engines of a database; once per process, right after opening it."""
    _observe_engine(database.engine, database, "primary")
    if database.has_replica:
        _observe_engine(database.read_engine, database, "replica")


def label_of(statement: str) -> tuple[str, str]:
    """The operation and the table by which a statement is counted: ("select", "enrollment").

    The table is the one written, else the first one read that is no name of a WITH; empty when there is none.
    """
    first = _OPERATION.match(statement)
    verb = first.group(1).lower() if first else ""
    written = _WRITTEN.search(statement)
    if verb in {"with", *_OPERATIONS} and written:
        return written.group(0).split()[0].lower(), written.group(1)
    if verb not in {"with", "select"}:
        return "other", ""
    names = {match.lower() for match in re.findall(r"\b(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", statement)}
    tables = [table for table in _READ.findall(statement) if table.lower() not in names | {"select"}]
    return "select", tables[0] if tables else ""


def _observe_engine(engine: AsyncEngine, database: Database, pool: str) -> None:
    slow = database.settings.database_slow_query_milliseconds / 1000
    _observe_statements(engine.sync_engine, slow, log_all=database.settings.database_log_queries)
    opened, used = CONNECTIONS_OPEN.labels(pool), CONNECTIONS_IN_USE.labels(pool)

    def on_connect(*_: Any) -> None:
        opened.inc()

    def on_close(*_: Any) -> None:
        opened.dec()

    def on_checkout(*_: Any) -> None:
        used.inc()

    def on_checkin(*_: Any) -> None:
        used.dec()

    listeners = {"connect": on_connect, "close": on_close, "checkout": on_checkout, "checkin": on_checkin}
    for name, listener in listeners.items():
        event.listen(engine.sync_engine.pool, name, listener)


def _observe_statements(engine: Engine, slow: float, *, log_all: bool) -> None:
    known: dict[str, tuple[Histogram, Counter, str, str]] = {}

    def before(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        context.academe_started = time.perf_counter()

    def after(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        seconds = time.perf_counter() - context.academe_started
        measured = known.get(statement)
        if measured is None:
            operation, table = label_of(statement)
            measured = (
                QUERY_SECONDS.labels(operation, table),
                SLOW_QUERIES.labels(operation, table),
                operation,
                table,
            )
            if len(known) >= _REMEMBERED_STATEMENTS:
                known.pop(next(iter(known)))
            known[statement] = measured
        measured[0].observe(seconds)
        if seconds >= slow or log_all:
            _report(statement, seconds, measured[2], measured[3], slow=seconds >= slow)
            if seconds >= slow:
                measured[1].inc()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)


def _report(statement: str, seconds: float, operation: str, table: str, *, slow: bool) -> None:
    log = _log.warning if slow else _log.info
    log(
        "database.statement_slow" if slow else "database.statement",
        milliseconds=round(seconds * 1000, 1),
        operation=operation,
        table=table,
        sql=" ".join(statement.split())[:_LONGEST_LOGGED],
    )
