"""What may be asked about how people sign in; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import SQLCoreOperations

from academe.identity.models import Account, OrgUnit, RoleGrant
from academe.identity.queries import in_force
from academe.identity.sign_in.models import Passkey, RecoveryCode, SecondFactorRule, SignInIdentity, TotpFactor
from academe.identity.types import Role
from academe.platform import clock
from academe.platform.actor import RoleScope


@dataclass(frozen=True, slots=True)
class FactorState:
    """The second factors of an account: since when there is an app, how many codes are left, how many passkeys."""

    app_since: datetime | None
    codes_left: int
    passkeys: int

    @property
    def is_set_up(self) -> bool:
        """Whether signing in asks for a second factor."""
        return self.app_since is not None or self.passkeys > 0


async def has_second_factor(session: AsyncSession, account_id: UUID) -> bool:
    """Whether signing in to an account takes a second step."""
    return bool((await session.execute(select(protected(literal(account_id))))).scalar_one())


def protected(account_id: SQLCoreOperations[UUID]) -> ColumnElement[bool]:
    """Whether an account has a second factor, as a column."""
    confirmed = exists().where(TotpFactor.account_id == account_id, TotpFactor.confirmed_at.is_not(None))
    return or_(confirmed, exists().where(Passkey.account_id == account_id))


async def factor_state(session: AsyncSession, person_id: UUID) -> FactorState:
    """The second factors of a person; none for somebody without an account."""
    account = select(Account.id).where(Account.person_id == person_id)
    app = select(TotpFactor.confirmed_at).where(TotpFactor.account_id.in_(account))
    unused = (RecoveryCode.account_id.in_(account), RecoveryCode.used_at.is_(None))
    codes = select(func.count()).select_from(RecoveryCode).where(*unused)
    keys = select(func.count()).select_from(Passkey).where(Passkey.account_id.in_(account))
    asked = select(app.scalar_subquery(), codes.scalar_subquery(), keys.scalar_subquery())
    return FactorState(*(await session.execute(asked)).one())


async def waiting_secret(session: AsyncSession, person_id: UUID) -> str | None:
    """The secret of a person's app that no code has confirmed yet."""
    account = select(Account.id).where(Account.person_id == person_id)
    waiting = select(TotpFactor.secret).where(TotpFactor.account_id.in_(account), TotpFactor.confirmed_at.is_(None))
    return (await session.execute(waiting)).scalar_one_or_none()


async def roles_in_need(session: AsyncSession, institution_id: UUID) -> Sequence[Role]:
    """The roles that need a second factor in an institution, in the order of the vocabulary."""
    rules = select(SecondFactorRule.role).where(SecondFactorRule.institution_id == institution_id)
    needed = set((await session.scalars(rules)).all())
    return [role for role in Role if role in needed]


async def demanded_of(session: AsyncSession, scopes: Sequence[RoleScope]) -> bool:
    """Whether a role among these needs a second factor where it is held."""
    if not scopes:
        return False
    held = {(scope.institution_id, scope.role) for scope in scopes}
    institutions = {institution_id for institution_id, _ in held}
    rules = select(SecondFactorRule.institution_id, SecondFactorRule.role)
    rows = await session.execute(rules.where(SecondFactorRule.institution_id.in_(institutions)))
    return any((institution_id, role.value) in held for institution_id, role in rows)


async def holders_without_factor(session: AsyncSession, institution_id: UUID) -> int:
    """How many active people of an institution hold today a role at a node that needs a second factor and have none.

    Roles in offerings, which the modules above keep, are not counted.
    """
    held = (
        select(func.count(RoleGrant.person_id.distinct()))
        .join(OrgUnit, OrgUnit.id == RoleGrant.org_unit_id)
        .join(Account, Account.person_id == RoleGrant.person_id)
        .join(
            SecondFactorRule,
            and_(SecondFactorRule.institution_id == OrgUnit.institution_id, SecondFactorRule.role == RoleGrant.role),
        )
        .where(OrgUnit.institution_id == institution_id, in_force(clock.now().date()), Account.is_active)
        .where(~protected(Account.id))
    )
    return (await session.execute(held)).scalar_one()


async def passkeys_of(session: AsyncSession, person_id: UUID) -> Sequence[Passkey]:
    """The passkeys of a person, oldest first."""
    owned = select(Passkey).join(Account, Account.id == Passkey.account_id).where(Account.person_id == person_id)
    return (await session.scalars(owned.order_by(Passkey.created_at, Passkey.id))).all()


async def credential_ids(session: AsyncSession, account_id: UUID) -> Sequence[bytes]:
    """The ids by which devices know the passkeys of an account."""
    return (await session.scalars(select(Passkey.credential_id).where(Passkey.account_id == account_id))).all()


async def identities_of(session: AsyncSession, person_id: UUID) -> Sequence[SignInIdentity]:
    """How providers of sign-ins know a person, as far as the actor may see it, oldest first."""
    known = select(SignInIdentity).where(SignInIdentity.person_id == person_id)
    return (await session.scalars(known.order_by(SignInIdentity.created_at, SignInIdentity.id))).all()
