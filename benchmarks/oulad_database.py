"""A database with the whole data set, imported once beside the installation's own and kept for the next benchmark."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from academe.academics.models import Offering
from academe.insight.models import LearnerDay
from academe.insight.rollup import rebuild_learner_days
from academe.operations.oulad.importer import OPEN_UNIVERSITY, import_oulad
from academe.platform.actor import system_actor
from academe.platform.database.migrate import upgrade
from academe.platform.database.session import Database
from academe.platform.settings import Settings
from benchmarks.framework import Context

ACTOR: Final = system_actor("benchmark")


@asynccontextmanager
async def oulad_database(context: Context) -> AsyncIterator[Database]:
    """The database in the folder `benchmark` of the data folder; imports `context.data` when something is missing."""
    settings = Settings(data_dir=context.settings.data_dir / "benchmark", database_url=None)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings)
    database = Database(settings)
    try:
        await _complete(database, context)
        yield database
    finally:
        await database.close()


async def _complete(database: Database, context: Context) -> None:
    if context.data is not None:
        context.say("Importing the data set, unless it is there")
        await import_oulad(
            database,
            actor=ACTOR,
            source=context.data,
            placement=OPEN_UNIVERSITY,
            progress=lambda _phase, _done, _total: None,
        )
    async with database.transaction(ACTOR, timeout_seconds=0) as session:
        offerings = [offering.id for offering in await offerings_of(session)]
        if not offerings:
            raise FileNotFoundError(2, "the benchmark needs --data PATH, the data set's zip or folder")
        if not await session.scalar(select(func.count()).select_from(LearnerDay)):
            context.say("Summing activity into learner days")
            await rebuild_learner_days(session, offerings=offerings)


async def offerings_of(session: AsyncSession) -> list[Offering]:
    """Every offering with its unit and term, in a fixed order."""
    statement = (
        select(Offering)
        .options(joinedload(Offering.unit), joinedload(Offering.term))
        .order_by(Offering.starts_on, Offering.id)
    )
    return list(await session.scalars(statement))
