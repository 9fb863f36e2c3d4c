"""A forward of the first school with a dead letter, for tests of pages and JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from academe.lrs.forwarding.batches import Waiting
from academe.lrs.forwarding.delivery import Refused
from academe.lrs.forwarding.models import XapiForwardLetter, XapiForwardProgress
from academe.lrs.forwarding.progress import lay_aside
from academe.lrs.forwarding.service import ForwardWanted, add_forward
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion
from academe.lrs.keys import key_uuid
from academe.lrs.senders.service import create_sender
from academe.lrs.senders.types import Scope, Sender
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from tests.lrs.statements.kept import Keeper, statement
from tests.schools import TwoSchools
from tests.support.transactions import JoinedDatabase, as_actor

LIST, JSON = "/lrs/forwards", "/api/v1/lrs/forwards"
SYSTEM = system_actor("test")
SECRET = "open-sesame-7"
ANSWER = "mailto:ada@example.com is unknown here"
BODY = {"name": "Analytics", "endpoint": "https://lrs.example.org/xapi", "key": "us", "secret": SECRET}
FORM = {**BODY, "version": "1.0.3", "voiding": "true", "references": "true", "start": "now"}
VERBS = ("pause", "resume", "retry", "skip", "letters/retry")
PAGE_VERBS = (*VERBS, "letters/dismiss")


@dataclass(frozen=True)
class Kept:
    """A forward of the first school with one dead letter, and the statement that it would send next."""

    id: UUID
    letter: UUID
    refused: UUID
    next: UUID

    @property
    def page(self) -> str:
        return f"{LIST}/{self.id}"

    @property
    def json(self) -> str:
        return f"{JSON}/{self.id}"


@pytest.fixture
async def kept(session: Session, two_schools: TwoSchools, database: JoinedDatabase) -> Kept:
    institution = two_schools.home.institution.id
    agents = [key_uuid("mbox:ada@example.com"), key_uuid("mbox:somebody-elses@example.com")]
    wanted = ForwardWanted(
        "Analytics", BODY["endpoint"], ForwardVersion.ONE, ForwardFilter(agents=agents), "us", SECRET
    )
    keeper = Keeper(session)
    async with as_actor(session, SYSTEM):
        row = (
            await create_sender(
                session, actor=SYSTEM, name="LMS", key="lms", home_page="https://x.example", institution_id=institution
            )
        ).sender
        sender = Sender(row.id, row.name, row.authority, row.authority_key, frozenset({Scope.ALL}), institution)
        refused, following = await keeper.keep(statement(), statement(), sender=sender)
        other = statement(actor={"mbox": "mailto:somebody-elses@example.com"})
        await keeper.keep(other)
        forward = await add_forward(
            session, actor=SYSTEM, settings=database.settings, wanted=wanted, institution_id=institution
        )
        past = clock.now() - timedelta(days=60)
        await session.execute(
            update(XapiForwardProgress).values(
                position=past,
                failure="The other store failed (500).",
                failing_since=past,
                attempts=3,
                next_attempt_at=clock.now() + timedelta(minutes=9),
            )
        )
        waiting = Waiting(UUID(refused), past, "{}")
        await lay_aside(session, forward.id, Refused(waiting, 400, "The other store refuses it.", ANSWER))
        letter = (await session.execute(select(XapiForwardLetter.id))).scalar_one()
    return Kept(forward.id, letter, UUID(refused), UUID(following))


async def entries(session: Session, forward_id: UUID) -> Sequence[AuditEntry]:
    async with as_actor(session, SYSTEM):
        found = select(AuditEntry).where(AuditEntry.subject_id == forward_id).order_by(AuditEntry.id)
        return (await session.scalars(found)).all()
