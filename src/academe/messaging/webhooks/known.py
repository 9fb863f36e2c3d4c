"""Events of facts that lie below messaging."""

from typing import Final

from sqlalchemy import select

from academe.identity.facts import GuardianLinked, SignInChanged
from academe.identity.models import Person
from academe.lrs.facts import ForwardPaused
from academe.messaging.webhooks.events import EventKind, Happened
from academe.platform.database.session import Session


async def _sign_in_changed(session: Session, fact: SignInChanged) -> Happened | None:
    institution = await session.scalar(select(Person.institution_id).where(Person.id == fact.person_id))
    if institution is None:
        return None
    data = {"person_id": str(fact.person_id), "change": fact.change.value, "by_other": fact.by_other}
    return Happened(institution, data, f"/people/{fact.person_id}", fact.person_id)


async def _guardian_linked(session: Session, fact: GuardianLinked) -> Happened | None:
    institution = await session.scalar(select(Person.institution_id).where(Person.id == fact.student_id))
    if institution is None:
        return None
    data = {"person_id": str(fact.student_id), "needs_consent": fact.needs_consent}
    return Happened(institution, data, f"/people/{fact.student_id}", fact.student_id)


async def _forward_paused(_session: Session, fact: ForwardPaused) -> Happened | None:
    if fact.institution_id is None:
        return None
    return Happened(fact.institution_id, {"forward_id": str(fact.forward_id)}, f"/lrs/forwards/{fact.forward_id}")


EVENTS: Final = (
    EventKind("forward.paused", "A forward of learning records has paused by itself", ForwardPaused, _forward_paused),
    EventKind("guardian.linked", "A student was given a guardian", GuardianLinked, _guardian_linked),
    EventKind("sign_in.changed", "How somebody signs in was changed", SignInChanged, _sign_in_changed),
)
