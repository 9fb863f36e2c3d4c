"""Two schools, each with a sender that has sent something, and clients that act as whoever is given."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pytest

from academe.lrs.senders.service import Issued, create_sender
from academe.lrs.senders.types import Scope, Sender
from academe.platform.actor import system_actor
from academe.platform.database.session import Session
from tests.lrs.senders.conftest import operator
from tests.lrs.statements.kept import ADA, BOB, COURSE, Keeper, about, statement, voiding
from tests.schools import School, TwoSchools
from tests.support.transactions import as_actor

__all__ = ["operator"]

SYSTEM: Final = system_actor("test")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender of a school has sent: Ada's quiz, Bob's course, a remark about the quiz, the voided one."""

    sender: Sender
    secret: str
    quiz: UUID
    course: UUID
    remark: UUID
    voided: UUID


async def send_for(session: Session, keeper: Keeper, school: School, key: str) -> Sent:
    """Let a new sender of a school send four statements and void one of them."""
    async with as_actor(session, SYSTEM):
        issued: Issued = await create_sender(
            session,
            actor=SYSTEM,
            name=f"Moodle of {key}",
            key=key,
            home_page="https://lrs.example.org",
            institution_id=school.institution.id,
        )
        row = issued.sender
        sender = Sender(row.id, row.name, row.authority, row.authority_key, frozenset({Scope.ALL}), row.institution_id)
        quiz = statement(
            actor=ADA | {"name": f"Ada of {key}"},
            verb={"id": "http://adlnet.gov/expapi/verbs/completed", "display": {"de": "beendete", "en": "completed"}},
            result={"score": {"raw": 7, "max": 10}, "success": True, "duration": "PT4M"},
            context={"registration": "6d969975-8d7e-4506-ac19-877c57f2921a", "platform": "A campus"},
            attachments=[
                {
                    "usageType": "https://example.com/essay",
                    "display": {"en": "An essay"},
                    "contentType": "text/plain",
                    "length": 27,
                    "sha2": "a" * 64,
                    "fileUrl": "javascript:alert(1)",
                }
            ],
        )
        course = statement(actor=BOB, object={"id": COURSE, "definition": {"name": {"en": "<Course> & one"}}})
        mistake = statement()
        remark = about(quiz["id"])
        await keeper.keep(quiz, course, mistake, remark, voiding(mistake["id"]), sender=sender)
    return Sent(sender, issued.secret, UUID(quiz["id"]), UUID(course["id"]), UUID(remark["id"]), UUID(mistake["id"]))


@pytest.fixture
def keeper(session: Session) -> Keeper:
    """Stores statements in the transaction of the test."""
    return Keeper(session)


@pytest.fixture
async def home(session: Session, keeper: Keeper, two_schools: TwoSchools) -> Sent:
    """What the first school's sender has sent."""
    return await send_for(session, keeper, two_schools.home, "home")


@pytest.fixture
async def away(session: Session, keeper: Keeper, two_schools: TwoSchools, home: Sent) -> Sent:
    """What the other school's sender has sent, later."""
    return await send_for(session, keeper, two_schools.away, "away")
