"""Statements past SQLAlchemy: sent by the driver itself on a session's connection, within its transaction.

What SQLAlchemy does around a statement costs a tenth of a millisecond, which the two statements of every hot read need
not pay. Errors are SQLAlchemy's all the same, so that callers, the pool and the edge treat them like any other.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.ext.asyncio import AsyncConnection

from academe.platform.metrics import QUERY_SECONDS


class DriverStatement:
    """SQL in the driver's own form (`%(name)s`); `operation` and `table` label its time in the metrics.

    `row_factory` of the connection does not matter: rows are tuples. With `prepared` off, the server plans it anew each
    time, with the values at hand: for statements whose best plan depends on how frequent a value is.
    """

    def __init__(self, sql: str, *, operation: str, table: str, prepared: bool = True) -> None:
        self.sql = sql
        # None leaves it to the driver, which prepares what it sends often.
        self._prepare = None if prepared else False
        self._seconds = QUERY_SECONDS.labels(operation, table)

    async def rows(self, connection: AsyncConnection, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Every row; none of a statement without rows. Raises what SQLAlchemy would raise for the same failure."""
        driver = _driver_of(connection)
        started = time.perf_counter()
        try:
            cursor = await self.send(driver, parameters)
            rows = await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            await _notice_loss(connection, driver)
            raise _translated(self.sql, error) from error
        self.observe(time.perf_counter() - started)
        return rows

    async def send(
        self, driver: psycopg.AsyncConnection[tuple[Any, ...]], parameters: Mapping[str, Any]
    ) -> psycopg.AsyncCursor[tuple[Any, ...]]:
        """Execute it; in a pipeline the cursor has its rows when the pipeline is read."""
        return await driver.execute(self.sql, parameters, prepare=self._prepare)

    def observe(self, seconds: float) -> None:
        """Count a time it took."""
        self._seconds.observe(seconds)


async def transaction_at_once(
    connection: AsyncConnection, steps: Sequence[tuple[DriverStatement, Mapping[str, Any]]]
) -> Sequence[tuple[Any, ...]]:
    """Statements and their commit, sent together and answered together; returns the rows of the last one.

    On a connection without a transaction. When one fails, none has happened; raises what SQLAlchemy would raise.
    """
    driver = _driver_of(connection)
    last = steps[-1][0]
    started = time.perf_counter()
    try:
        rows = await _in_one_pipeline(driver, steps)
    except psycopg.Error as error:
        await _notice_loss(connection, driver)
        raise _translated(last.sql, error) from error
    last.observe(time.perf_counter() - started)
    return rows


async def _in_one_pipeline(
    driver: psycopg.AsyncConnection[tuple[Any, ...]], steps: Sequence[tuple[DriverStatement, Mapping[str, Any]]]
) -> Sequence[tuple[Any, ...]]:
    """BEGIN and COMMIT are sent like any statement: the driver's own would wait for an answer each.

    Its `commit` would also wait in vain where the socket has not yet taken all of a large statement: it reads without
    sending the rest (psycopg issue 685), and the server, with every lock of the transaction, waits for that.
    """
    await driver.set_autocommit(True)
    try:
        async with driver.pipeline():
            await driver.execute("BEGIN", prepare=False)
            cursors = [await statement.send(driver, parameters) for statement, parameters in steps]
            await driver.execute("COMMIT", prepare=False)
        return await cursors[-1].fetchall()
    finally:
        await _take_back(driver)


async def _take_back(driver: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Give the driver its own transactions again; close a connection of which nobody knows where it stands."""
    if driver.info.transaction_status is TransactionStatus.INERROR:
        await driver.rollback()
    if driver.info.transaction_status is TransactionStatus.IDLE:
        await driver.set_autocommit(False)
    else:
        await driver.close()


async def _notice_loss(connection: AsyncConnection, driver: psycopg.AsyncConnection[tuple[Any, ...]]) -> None:
    """Let SQLAlchemy find a broken connection broken, so that it forgets every connection of the pool."""
    if driver.broken or driver.closed:
        await connection.exec_driver_sql("SELECT 1")


def _translated(sql: str, error: psycopg.Error) -> DBAPIError:
    translated = DBAPIError.instance(sql, None, error, psycopg.Error, hide_parameters=True)
    assert isinstance(translated, DBAPIError)
    return translated


def _driver_of(connection: AsyncConnection) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    proxied = connection.sync_connection
    assert proxied is not None, "the connection is open"
    if proxied.invalidated:
        # SQLAlchemy would connect anew here, and nothing would have told that connection who acts.
        raise PendingRollbackError("The connection of this transaction was lost; begin another transaction.")
    driver = proxied.connection.driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver
