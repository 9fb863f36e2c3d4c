"""Who somebody is whom a provider knows: by the connection that is there, or, where it is allowed, by their address."""

from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.exc import IntegrityError

from academe.identity.facts import SignInChange, SignInChanged
from academe.identity.models import Account, Person, RoleGrant
from academe.identity.providers.errors import IdentityRefusedError, IdentityTakenError
from academe.identity.providers.models import IdentityProvider
from academe.identity.providers.types import Shown, UnknownPerson
from academe.identity.queries import has_email
from academe.identity.sign_in.models import SignInIdentity
from academe.identity.sign_in.sessions import about_account, with_person
from academe.identity.types import PersonStatus, Role
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import record
from academe.platform.database.session import Session
from academe.platform.outbox.service import announce

POWERFUL = (Role.ADMINISTRATOR, Role.OPERATOR, Role.AUDITOR, Role.REGISTRAR)
"""Whose account no address opens: they connect it themselves, signed in."""


async def known_by(session: Session, provider: IdentityProvider, shown: Shown) -> tuple[SignInIdentity, Account] | None:
    """The connection of what the provider has shown, and the account that it opens; None for somebody unknown.

    Raises IdentityRefusedError for somebody who is known and may not sign in.
    """
    found = await session.execute(
        select(SignInIdentity).where(
            SignInIdentity.provider_id == provider.id, SignInIdentity.auth_provider_id == shown.subject
        )
    )
    identity = found.scalar_one_or_none()
    if identity is None:
        return None
    account = await _open_account(session, Account.person_id == identity.person_id)
    if account is None or account.person.institution_id != provider.institution_id:
        raise IdentityRefusedError
    return identity, account


async def linked_by_address(
    session: Session, actor: Actor, provider: IdentityProvider, shown: Shown
) -> tuple[SignInIdentity, Account]:
    """Connect somebody unknown by the address that the provider has verified, where its rule says so.

    Raises IdentityRefusedError for everybody else: other domains, other institutions, whoever holds or will hold a role
    with power over others, and whoever is connected with another identity there (an address may have a new owner).
    """
    address = shown.address or ""
    domain = address.rpartition("@")[2].lower()
    if provider.unknown_person is not UnknownPerson.LINK or domain not in provider.domains:
        raise IdentityRefusedError
    account = await _open_account(session, has_email(address))
    if account is None or account.person.institution_id != provider.institution_id:
        raise IdentityRefusedError
    ended = RoleGrant.ends_on < clock.now().date()
    powerful = exists().where(
        RoleGrant.person_id == account.person_id,
        RoleGrant.role.in_(POWERFUL),
        or_(RoleGrant.ends_on.is_(None), ~ended),
    )
    if (await session.execute(select(powerful))).scalar_one():
        raise IdentityRefusedError
    others = exists().where(SignInIdentity.provider_id == provider.id, SignInIdentity.person_id == account.person_id)
    if (await session.execute(select(others))).scalar_one():
        raise IdentityRefusedError
    identity = await connect(session, provider, account, shown.subject)
    record_connected(session, actor, provider, account)
    return identity, account


async def connect(session: Session, provider: IdentityProvider, account: Account, subject: str) -> SignInIdentity:
    """Let a provider open an account from now on; its holder is told. Raises IdentityTakenError.

    Only the system may write it, and the audit entry belongs to who acts: hence `record_connected`.
    """
    identity = SignInIdentity(
        provider_id=provider.id, auth_provider=provider.name, auth_provider_id=subject, person_id=account.person_id
    )
    try:
        async with session.begin_nested():
            session.add(identity)
    except IntegrityError as error:
        raise IdentityTakenError from error
    await announce(session, SignInChanged(account.person_id, SignInChange.PROVIDER_CONNECTED))
    return identity


def record_connected(session: Session, actor: Actor, provider: IdentityProvider, account: Account) -> None:
    """Leave the audit entry of a new connection."""
    summary = f"Connected with the sign-in provider {provider.name}"
    record(session, actor=actor, action="identity.connected", subject=about_account(account), summary=summary)


async def account_of_person(session: Session, person_id: UUID) -> Account | None:
    """The account of a person who may sign in."""
    return await _open_account(session, Account.person_id == person_id)


async def _open_account(session: Session, named: ColumnElement[bool]) -> Account | None:
    found = await session.execute(
        with_person()
        .join(Person, Person.id == Account.person_id)
        .where(named, Account.is_active, Person.status == PersonStatus.ACTIVE)
    )
    return found.scalar_one_or_none()
