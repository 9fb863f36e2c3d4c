"""Verbs of masquerade: begin and end it. They flush, record, and never commit."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, or_, select, update

from academe.identity import policy
from academe.identity.errors import MasqueradeRefusedError
from academe.identity.models import AccountSession, Person, RoleGrant
from academe.identity.service import about, known_person
from academe.identity.sign_in.actors import forget_actors
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import Actor, ActorKind
from academe.platform.audit.service import record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError

LONGEST: Final = timedelta(hours=1)
"""How long a masquerade lasts at most."""

NOT_YOURS: Final = "Only administrators of the institution may act as somebody else."


async def begin_masquerade(session: Session, *, actor: Actor, person_id: UUID) -> Person:
    """Let the actor's browser act as another person, for an hour at most.

    Raises PersonNotFoundError, PermissionDeniedError, and MasqueradeRefusedError for oneself, from within another
    masquerade, for who is deactivated, and for whoever administers anything today or later.
    """
    person = await known_person(session, actor, person_id)
    policy.require(policy.can_manage_accounts(actor, person.institution_id), actor, NOT_YOURS)
    if actor.session_id is None or actor.masquerader_id is not None or person.id == actor.person_id:
        raise MasqueradeRefusedError("One acts as another person, from one's own session.")
    if person.status is not PersonStatus.ACTIVE:
        raise MasqueradeRefusedError("This person is deactivated.")
    if await administers(session, person.id):
        raise MasqueradeRefusedError("Nobody acts as an administrator.")
    values = {"masquerades_as": person.id, "masquerade_until": clock.now() + LONGEST}
    await session.execute(update(AccountSession).where(AccountSession.id == actor.session_id).values(values))
    record(
        session,
        actor=actor,
        action="masquerade.begun",
        subject=about(person),
        summary="An administrator begins to act as this person",
    )
    forget_actors(session)
    return person


async def end_masquerade(session: Session, *, actor: Actor) -> None:
    """Let the browser act as its own administrator again; `actor` is that one (`behind`). Harmless without one."""
    if actor.session_id is None:
        raise AuthenticationRequiredError
    mine = select(AccountSession).where(AccountSession.id == actor.session_id)
    browser = (await session.execute(mine)).scalar_one_or_none()
    if browser is None or browser.masquerades_as is None:
        return
    person = await session.get_one(Person, browser.masquerades_as)
    browser.masquerades_as = browser.masquerade_until = None
    await session.flush()
    record(
        session,
        actor=actor,
        action="masquerade.ended",
        subject=about(person),
        summary="The administrator acts as this person no more",
    )
    forget_actors(session)


def behind(actor: Actor) -> Actor:
    """Who really sits there: for ending the masquerade and signing out, without any role."""
    if actor.masquerader_id is None:
        return actor
    return Actor(ActorKind.PERSON, actor.masquerader, actor.masquerader_id, session_id=actor.session_id)


async def administers(session: Session | ReadSession, person_id: UUID) -> bool:
    """Whether somebody administers any node, today or later."""
    held = select(RoleGrant.id).where(
        RoleGrant.person_id == person_id,
        RoleGrant.role == Role.ADMINISTRATOR,
        or_(RoleGrant.ends_on.is_(None), RoleGrant.ends_on >= clock.now().date()),
    )
    return bool((await session.execute(select(exists(held)))).scalar_one())
