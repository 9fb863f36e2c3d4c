"""What may be asked about tokens and service accounts; nothing here writes."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.models import Person
from academe.identity.tokens.models import ApiToken, ServiceAccount
from academe.platform import clock


async def tokens_of(session: AsyncSession, person_id: UUID) -> Sequence[ApiToken]:
    """The tokens of a person that are in force, newest first."""
    owned = (ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > clock.now())
    return (await session.scalars(select(ApiToken).where(*owned).order_by(ApiToken.id.desc()))).all()


async def service_accounts_of(session: AsyncSession, institution_id: UUID) -> Sequence[tuple[ServiceAccount, str]]:
    """The service accounts of an institution that are in force, with their names, by name."""
    rows = await session.execute(
        select(ServiceAccount, Person.display_name)
        .join(Person, Person.id == ServiceAccount.person_id)
        .where(ServiceAccount.institution_id == institution_id, ServiceAccount.revoked_at.is_(None))
        .order_by(Person.display_name, Person.id)
    )
    return [(account, name) for account, name in rows]
