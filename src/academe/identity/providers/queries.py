"""What may be asked about providers and who is connected with them; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.models import OrgUnit, Person
from academe.identity.providers.models import IdentityProvider
from academe.identity.sign_in.models import SignInIdentity

MOST_OFFERED = 50


@dataclass(frozen=True, slots=True)
class OfferedProvider:
    """A way to sign in, as the sign-in page offers it."""

    id: UUID
    name: str
    institution: str


@dataclass(frozen=True, slots=True)
class WayIn:
    """A provider of the person's institution; `id` of the connection and what it is used for, where there is one."""

    provider_id: UUID
    provider: str
    id: UUID | None
    auth_provider_id: str | None
    created_at: datetime | None
    last_used_at: datetime | None


async def offered_providers(session: AsyncSession) -> Sequence[OfferedProvider]:
    """The providers that may be signed in by, by institution and name."""
    rows = await session.execute(
        select(IdentityProvider.id, IdentityProvider.name, OrgUnit.name)
        .join(OrgUnit, OrgUnit.id == IdentityProvider.institution_id)
        .where(IdentityProvider.is_active)
        .order_by(OrgUnit.name, IdentityProvider.name, IdentityProvider.id)
        .limit(MOST_OFFERED)
    )
    return [OfferedProvider(*row) for row in rows]


async def providers_of(session: AsyncSession, institution_id: UUID) -> Sequence[tuple[IdentityProvider, int]]:
    """The providers of an institution by name, each with how many people are connected with it."""
    connected = (
        select(func.count()).where(SignInIdentity.provider_id == IdentityProvider.id).correlate(IdentityProvider)
    ).scalar_subquery()
    rows = await session.execute(
        select(IdentityProvider, connected)
        .where(IdentityProvider.institution_id == institution_id)
        .order_by(IdentityProvider.name, IdentityProvider.id)
    )
    return [(provider, count) for provider, count in rows]


async def ways_in_of(session: AsyncSession, person_id: UUID) -> Sequence[WayIn]:
    """The active providers of a person's institution and their connections, by name."""
    rows = await session.execute(
        select(
            IdentityProvider.id,
            IdentityProvider.name,
            SignInIdentity.id,
            SignInIdentity.auth_provider_id,
            SignInIdentity.created_at,
            SignInIdentity.last_used_at,
        )
        .join(Person, Person.institution_id == IdentityProvider.institution_id)
        .outerjoin(
            SignInIdentity,
            (SignInIdentity.provider_id == IdentityProvider.id) & (SignInIdentity.person_id == person_id),
        )
        .where(Person.id == person_id, IdentityProvider.is_active | SignInIdentity.id.is_not(None))
        .order_by(IdentityProvider.name, IdentityProvider.id)
    )
    return [WayIn(*row) for row in rows]
