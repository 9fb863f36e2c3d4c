"""A school that is committed, and programs that are told what happens there."""

from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import select, update

from academe.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint
from academe.messaging.webhooks.service import EndpointWanted, add_endpoint
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.database.session import Database
from academe.platform.outbox.service import Fact, announce
from academe.worker import make_queue
from tests.schools import School, build_two_schools

SYSTEM = system_actor("test")


@dataclass
class Told:
    """The school, with an endpoint of its own and a worker whenever one is asked for."""

    database: Database
    home: School
    away: School
    secret: str = ""

    async def add(self, url: str, *events: str, school: School | None = None) -> UUID:
        administrator = (school or self.home).actor("administrator")
        async with self.database.transaction(administrator) as session:
            issued = await add_endpoint(
                session,
                actor=administrator,
                settings=self.database.settings,
                wanted=EndpointWanted("A program", url, events or ("sign_in.changed",)),
            )
        self.secret = issued.secret
        return issued.endpoint.id

    async def happens(self, fact: Fact) -> None:
        async with self.database.transaction(SYSTEM) as session:
            await announce(session, fact)

    async def work(self) -> None:
        """What a worker does of all that is due now: what the first round has put into the queue is for the second."""
        for _ in range(2):
            await make_queue(self.database).run(until_empty=True)

    async def wait(self) -> None:
        """Let the time of every wait be over."""
        async with self.database.transaction(SYSTEM) as session:
            await session.execute(update(WebhookEndpoint).values(not_before=None))
            due = WebhookDelivery.next_attempt_at.is_not(None)
            await session.execute(update(WebhookDelivery).where(due).values(next_attempt_at=clock.now()))

    async def endpoint(self, id_: UUID) -> WebhookEndpoint:
        async with self.database.transaction(SYSTEM) as session:
            return await session.get_one(WebhookEndpoint, id_)

    async def deliveries(self) -> list[WebhookDelivery]:
        async with self.database.transaction(SYSTEM) as session:
            return list((await session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))).all())


@pytest.fixture
async def told(own_database: Database) -> Told:
    async with own_database.transaction(SYSTEM) as session:
        schools = await build_two_schools(session)
    return Told(own_database, schools.home, schools.away)
