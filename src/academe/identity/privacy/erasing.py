"""What identity forgets of somebody who is erased: their row stays, under a pseudonym, for what others refer to."""

from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from academe.identity.access.guardians.models import Guardianship
from academe.identity.models import Account, AccountSession, Person, PersonParticulars, PersonPicture, RoleGrant
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.sign_in.actors import forget_actors
from academe.identity.sign_in.models import (
    Passkey,
    PasskeyChallenge,
    RecoveryCode,
    SignInIdentity,
    SignInLink,
    TotpFactor,
    UnfinishedSignIn,
)
from academe.identity.tokens.models import ApiToken
from academe.identity.types import ERASED_NAME, PersonStatus, erased_address
from academe.platform.database.session import ReadSession, Session

_OF_ACCOUNT: Final = (
    AccountSession,
    UnfinishedSignIn,
    SignInLink,
    TotpFactor,
    RecoveryCode,
    Passkey,
    PasskeyChallenge,
)


async def addresses_of(session: Session | ReadSession, person_id: UUID) -> list[str]:
    """The e-mail addresses by which a person is known."""
    signed_in = select(Account.email).where(Account.person_id == person_id)
    contact = select(PersonParticulars.contact_email).where(
        PersonParticulars.person_id == person_id, PersonParticulars.contact_email.is_not(None)
    )
    return [str(each) for each in (await session.scalars(signed_in.union(contact))).all()]


async def merged_into(session: Session | ReadSession, person_id: UUID) -> list[UUID]:
    """The rows of people who turned out to be this person; each still has names and what the person had once only."""
    return list((await session.scalars(select(Person.id).where(Person.merged_into_id == person_id))).all())


async def forget_identity(session: Session, *, person_id: UUID) -> None:
    """Put a pseudonym in the place of a person, end every way in, and every role; needs the system as actor."""
    for owned in (PersonParticulars, PersonPicture, SignInIdentity, ApiToken):
        await session.execute(delete(owned).where(owned.person_id == person_id))
    unsaid = {"wanted": None, "reason": None, "answer": None}
    asked = RectificationRequest.person_id == person_id
    await session.execute(update(RectificationRequest).where(asked).values(unsaid))
    account_id = await session.scalar(select(Account.id).where(Account.person_id == person_id))
    if account_id is not None:
        for table in _OF_ACCOUNT:
            await session.execute(delete(table).where(table.account_id == account_id))
        closed = {"email": erased_address(account_id), "password_hash": None, "is_active": False}
        await session.execute(update(Account).where(Account.id == account_id).values(closed))
    today = func.current_date()
    open_grants = (RoleGrant.person_id == person_id, RoleGrant.ends_on.is_(None) | (RoleGrant.ends_on >= today))
    ended = func.greatest(today - 1, RoleGrant.starts_on - 1)
    await session.execute(update(RoleGrant).where(*open_grants).values(ends_on=ended))
    links = or_(Guardianship.guardian_id == person_id, Guardianship.student_id == person_id)
    still = or_(Guardianship.ends_on.is_(None), Guardianship.ends_on >= today)
    over = {"ends_on": func.greatest(today - 1, Guardianship.starts_on - 1)}
    await session.execute(update(Guardianship).where(links, still).values(over))
    pseudonym = {
        **dict.fromkeys(("sourced_id", "given_name", "middle_name", "family_name", "preferred_name")),
        "display_name": ERASED_NAME,
        "status": PersonStatus.DEACTIVATED,
    }
    await session.execute(update(Person).where(Person.id == person_id).values(pseudonym))
    forget_actors(session)
