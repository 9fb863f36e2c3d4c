"""Statements of hot reads: compiled once, run on the session's connection without the layers of the ORM.

For the few lists that screens and programs ask for all the time, together with JSON that PostgreSQL builds:

    ROSTER = HotStatement(select(func.json_agg(...)).where(Enrollment.offering_id == bindparam("offering_id")))
    body = await ROSTER.scalar(session, offering_id=offering.id)

Values go to the driver as they are and come back as the driver makes them: no type decorators, so vocabularies are
given by their value and encrypted fields have no place here.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Select, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from academe.platform.database.driver import DriverStatement
from academe.platform.database.session import ReadSession

_DIALECT: Final = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]


class HotStatement:
    """A select with named parameters, compiled at its first use and prepared by the server soon after."""

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement

    async def rows(self, session: AsyncSession, **parameters: Any) -> Sequence[tuple[Any, ...]]:
        """Every row. Raises TypeError when a parameter is missing or unknown."""
        statement, constants, names = self._compiled
        if parameters.keys() != names:
            raise TypeError(f"the statement takes {sorted(names)}, not {sorted(parameters)}")
        values = parameters | constants
        if isinstance(session, ReadSession):
            return await session.run_hot(statement, values)
        return await statement.rows(await session.connection(), values)

    async def scalar(self, session: AsyncSession, **parameters: Any) -> Any:
        """The first column of the first row; None when there is none."""
        rows = await self.rows(session, **parameters)
        return rows[0][0] if rows else None

    @cached_property
    def _compiled(self) -> tuple[DriverStatement, dict[str, Any], frozenset[str]]:
        compiled = self._statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        names = frozenset(name for name, bind in compiled.binds.items() if bind.required)
        constants = {name: value for name, value in compiled.params.items() if name not in names}
        tables = [source.name for source in self._statement.get_final_froms() if isinstance(source, Table)]
        statement = DriverStatement(str(compiled), operation="select", table=tables[0] if tables else "")
        return statement, constants, names
