"""Sessions that a provider has opened, and how they end with it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, true, update

from academe.identity.models import AccountSession
from academe.identity.sign_in.actors import forget_actors
from academe.identity.sign_in.models import SignInIdentity
from academe.platform import clock
from academe.platform.database.session import Session


async def end_sessions_by(
    session: Session, condition: ColumnElement[bool], *, keep: UUID | None = None
) -> Sequence[UUID]:
    """End the sessions that identities have opened for which a condition holds, but for `keep`.

    Returns the account of each.
    """
    ended = await session.execute(
        update(AccountSession)
        .where(
            AccountSession.identity_id == SignInIdentity.id,
            AccountSession.revoked_at.is_(None),
            condition,
            AccountSession.id != keep if keep is not None else true(),
        )
        .values(revoked_at=clock.now())
        .returning(AccountSession.account_id)
        .execution_options(synchronize_session=False)
    )
    forget_actors(session)
    return ended.scalars().all()
