"""The jobs that the tests ask for, declared once; `worker_process.py` does them in a process of its own."""

import asyncio
from typing import Any

from pydantic import BaseModel
from sqlalchemy import text

from academe.platform.errors import InvalidInputError
from academe.platform.jobs import JobContext, job


class Count(BaseModel):
    to: int
    pause_seconds: float = 0.0


class Nothing(BaseModel):
    pass


@job("test.count", title="Counting")
async def count(context: JobContext, arguments: Count) -> dict[str, Any]:
    for number in range(1, arguments.to + 1):
        await context.progress(done=number, total=arguments.to, message=f"{number} of {arguments.to}")
        await asyncio.sleep(arguments.pause_seconds)
    async with context.database.reading(context.actor) as session:
        person = (await session.execute(text("SELECT actor_person_id()"))).scalar_one()
    return {"counted": arguments.to, "for": str(person), "attempt": context.attempt}


@job("test.stumble", title="Stumbling", attempts=2)
async def stumble(context: JobContext, arguments: Count) -> None:
    if context.attempt <= arguments.to:
        raise RuntimeError("a secret about somebody")


@job("test.refuse", title="Refusing")
async def refuse(context: JobContext, arguments: Nothing) -> None:
    raise InvalidInputError("Line 3 has no date.")


@job("test.alone", title="One at a time", lock=lambda arguments: "everybody")
async def alone(context: JobContext, arguments: Nothing) -> dict[str, Any]:
    async with context.database.transaction(context.actor) as session:
        got = (await session.execute(text("SELECT pg_try_advisory_xact_lock(4711)"))).scalar_one()
        await asyncio.sleep(0.2)
    return {"alone": got}
