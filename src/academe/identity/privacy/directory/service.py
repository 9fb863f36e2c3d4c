"""Says whether one is in the directory. The verb flushes, records, and never commits."""

from typing import Final

from sqlalchemy import func, select

from academe.identity import policy
from academe.identity.models import Person
from academe.identity.service import about
from academe.platform.actor import Actor
from academe.platform.audit.service import record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import PermissionDeniedError

STAFF_ARE_LISTED: Final = "Whose work is with the people of the institution is listed in its directory."


async def is_listed(session: Session | ReadSession, *, actor: Actor) -> bool:
    """Whether staff find the actor in the directory."""
    policy.require(actor.person_id is not None, actor, "Only people are in the directory.")
    return not await session.scalar(select(Person.is_unlisted).where(Person.id == actor.person_id))


async def choose_directory(session: Session, *, actor: Actor, listed: bool) -> None:
    """Be in the directory or not, from now on. Raises PermissionDeniedError for staff who want out of it."""
    if listed == await is_listed(session, actor=actor):
        return
    if policy.can_search_people(actor) and not listed:
        raise PermissionDeniedError(STAFF_ARE_LISTED)
    await session.execute(select(func.choose_directory(not listed)))
    person = await session.get_one(Person, actor.person_id, populate_existing=True)
    record(
        session,
        actor=actor,
        action="person.listed" if listed else "person.unlisted",
        subject=about(person),
        summary="In the directory again" if listed else "Taken out of the directory",
    )
