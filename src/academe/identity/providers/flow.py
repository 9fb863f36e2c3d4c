"""Signing in by a provider: a browser goes there, comes back with something signed, and is signed in or asked for more.

No transaction is open while a provider is asked.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from cryptography.x509 import load_pem_x509_certificates
from sqlalchemy import delete, select, update

from academe.identity.providers.errors import (
    IdentityTakenError,
    ProviderNotFoundError,
    SignInNotFinishedError,
)
from academe.identity.providers.linking import account_of_person, connect, known_by, linked_by_address, record_connected
from academe.identity.providers.models import IdentityProvider, ProviderSignIn
from academe.identity.providers.oidc.exchange import Client, Secrets, address_to_ask, shown_by_code
from academe.identity.providers.saml.requests import OurAddresses
from academe.identity.providers.saml.requests import address_to_ask as saml_address
from academe.identity.providers.saml.responses import answer_of
from academe.identity.providers.seen import first_time
from academe.identity.providers.types import ProviderKind, Shown
from academe.identity.sign_in.queries import has_second_factor
from academe.identity.sign_in.renewal import token_hash
from academe.identity.sign_in.sessions import OpenedSession, Vouched, account_of, open_session, require_recent
from academe.identity.sign_in.unfinished import SecondStep, begin_second_step
from academe.platform import clock
from academe.platform.actor import Actor, system_actor
from academe.platform.database.session import Database, Session

LIFETIME: Final = timedelta(minutes=10)
ACTOR: Final[Actor] = system_actor("sign in by a provider")
_LONGEST_PATH: Final = 2000


@dataclass(frozen=True, slots=True)
class OurPlaces:
    """Where a provider sends browsers back to, in either protocol."""

    redirect_uri: str
    saml: OurAddresses


@dataclass(frozen=True, slots=True)
class WayThere:
    """Where the browser is sent, and the token for the cookie by which it is known when it comes back."""

    address: str
    token: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who is signed in has shown an identity at a provider and is asked whether it is theirs."""

    provider: str
    shown_as: str


@dataclass(frozen=True, slots=True)
class Back:
    """A browser that came back: what it brought, and what it is known by. `issuer` is RFC 9207's `iss`."""

    token: str
    state: str
    code: str
    issuer: str | None
    redirect_uri: str
    user_agent: str
    replaces: str | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """Where the browser goes on, and with what: a session, a second step, or None: a question to somebody signed in."""

    next_path: str
    opened: OpenedSession | SecondStep | None


async def begin(
    database: Database,
    *,
    provider_id: UUID,
    places: OurPlaces,
    next_path: str,
    connecting: Actor | None = None,
) -> WayThere:
    """Send a browser to a provider; with `connecting`, somebody who signed in recently connects it with their account.

    Raises ProviderNotFoundError, ProviderFailedError, RecentSignInRequiredError.
    """
    # An id of XML begins with a letter or an underscore.
    made = Secrets(f"_{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32), secrets.token_urlsafe(32))
    token = secrets.token_urlsafe(32)
    person_id = await _connecting(database, connecting) if connecting is not None else None
    async with database.transaction(ACTOR) as session:
        provider = await _active(session, provider_id)
        await session.execute(delete(ProviderSignIn).where(ProviderSignIn.expires_at < clock.now()))
        session.add(
            ProviderSignIn(
                provider_id=provider.id,
                token_hash=token_hash(token),
                state=made.state,
                nonce=made.nonce,
                code_verifier=made.code_verifier,
                next_path=next_path if len(next_path) <= _LONGEST_PATH else "/",
                person_id=person_id,
                expires_at=clock.now() + LIFETIME,
            )
        )
    if provider.kind is ProviderKind.SAML:
        return WayThere(saml_address(provider.sso_url or "", places.saml, made.state), token)
    address = await address_to_ask(database.settings, _client(provider, places.redirect_uri), made)
    return WayThere(address, token)


async def finish(database: Database, *, provider_id: UUID, back: Back) -> Arrived:
    """What a browser that came back may do. Whatever it brought is used up by this.

    Raises SignInNotFinishedError, ProviderFailedError, ProviderNotFoundError, IdentityRefusedError.
    """
    async with database.transaction(ACTOR) as session:
        provider = await _active(session, provider_id)
        begun = await _begun(session, back.token)
        if begun is None or begun.provider_id != provider.id or begun.subject is not None:
            raise SignInNotFinishedError
        if not back.state or not hmac.compare_digest(begun.state.encode(), back.state.encode()):
            raise SignInNotFinishedError
        if begun.person_id is None:
            await session.delete(begun)
        else:
            begun.state = ""  # used up all the same
        made = Secrets(back.state, begun.nonce, begun.code_verifier)
    shown = await shown_by_code(
        database.settings, _client(provider, back.redirect_uri), made, code=back.code, issuer=back.issuer
    )
    async with database.transaction(ACTOR) as session:
        return await _arrived(session, database, provider, begun, shown, back)


async def take_answer(database: Database, *, provider_id: UUID, response: str, ours: OurAddresses) -> None:
    """Keep what a SAML provider has posted for the browser that asked. Raises SignInNotFinishedError."""
    async with database.transaction(ACTOR) as session:
        provider = await _active(session, provider_id)
        if provider.kind is not ProviderKind.SAML:
            raise ProviderNotFoundError
        certificates = load_pem_x509_certificates((provider.certificates or "").encode())
        answered = answer_of(response, issuer=provider.issuer, certificates=certificates, ours=ours)
        found = select(ProviderSignIn).where(
            ProviderSignIn.provider_id == provider.id,
            ProviderSignIn.state == answered.request_id,
            ProviderSignIn.expires_at > clock.now(),
        )
        begun = (await session.execute(found.with_for_update())).scalar_one_or_none()
        if begun is None or begun.answer is not None:
            raise SignInNotFinishedError
        await first_time(session, provider.id, answered.assertion_id, answered.ends_at)
        shown = answered.shown
        begun.answer = {
            "subject": shown.subject,
            "address": shown.address,
            "session": shown.session,
            "proofs": sorted(shown.proofs),
        }


async def finish_answered(database: Database, *, provider_id: UUID, back: Back) -> Arrived:
    """What the browser may do for which a SAML provider has answered. Raises as `finish`."""
    async with database.transaction(ACTOR) as session:
        provider = await _active(session, provider_id)
        begun = await _begun(session, back.token)
        if begun is None or begun.provider_id != provider.id or begun.answer is None or begun.subject is not None:
            raise SignInNotFinishedError
        shown = Shown(**{**begun.answer, "proofs": frozenset(begun.answer["proofs"])})
        if begun.person_id is None:
            await session.delete(begun)
    async with database.transaction(ACTOR) as session:
        return await _arrived(session, database, provider, begun, shown, back)


async def waiting_for(database: Database, *, actor: Actor, token: str) -> Waiting:
    """What the actor is asked to connect. Raises SignInNotFinishedError."""
    async with database.transaction(ACTOR) as session:
        begun, provider = await _waiting(session, actor, token)
        return Waiting(provider.name, begun.shown_as or "")


async def connect_waiting(session: Session, database: Database, *, actor: Actor, token: str) -> str:
    """Connect what waits with the actor's account; returns the name of the provider.

    Raises SignInNotFinishedError, IdentityTakenError, RecentSignInRequiredError.
    """
    await account_of(session, actor)
    await require_recent(session, actor)
    async with database.transaction(ACTOR) as own:
        begun, provider = await _waiting(own, actor, token)
        account = await account_of_person(own, begun.person_id) if begun.person_id else None
        if account is None or begun.subject is None or account.person.institution_id != provider.institution_id:
            raise SignInNotFinishedError
        await own.delete(begun)
        known = await known_by(own, provider, Shown(begun.subject))
        if known is not None and known[1].id != account.id:
            raise IdentityTakenError("This sign-in is connected with somebody else.")
        if known is None:
            await connect(own, provider, account, begun.subject)
            record_connected(session, actor, provider, account)
        return provider.name


async def _arrived(
    session: Session, database: Database, provider: IdentityProvider, begun: ProviderSignIn, shown: Shown, back: Back
) -> Arrived:
    if begun.person_id is not None:
        kept = update(ProviderSignIn).where(ProviderSignIn.id == begun.id)
        await session.execute(kept.values(subject=shown.subject, shown_as=shown.address or shown.subject))
        return Arrived(begun.next_path, None)
    return Arrived(begun.next_path, await _admitted(session, database, provider, shown, back))


async def _admitted(
    session: Session, database: Database, provider: IdentityProvider, shown: Shown, back: Back
) -> OpenedSession | SecondStep:
    identity, account = await known_by(session, provider, shown) or await linked_by_address(
        session, ACTOR, provider, shown
    )
    identity.last_used_at = clock.now()
    await session.flush()
    vouched = Vouched(identity.id, shown.session, not shown.proofs.isdisjoint(provider.second_factor_values))
    if not vouched.second_factor and await has_second_factor(session, account.id):
        return await begin_second_step(session, account.id, means=provider.name, vouched=vouched)
    return await open_session(
        session,
        account.id,
        means=provider.name,
        lifetime=timedelta(hours=database.settings.session_absolute_hours),
        user_agent=back.user_agent,
        replaces=back.replaces,
        vouched=vouched,
    )


async def _connecting(database: Database, actor: Actor) -> UUID | None:
    async with database.transaction(actor) as session:
        account = await account_of(session, actor)
        await require_recent(session, actor)
        return account.person_id


async def _active(session: Session, provider_id: UUID) -> IdentityProvider:
    provider = await session.get(IdentityProvider, provider_id)
    if provider is None or not provider.is_active:
        raise ProviderNotFoundError
    return provider


async def _begun(session: Session, token: str) -> ProviderSignIn | None:
    """The sign-in of a browser, locked, so that it comes back once."""
    found = select(ProviderSignIn).where(
        ProviderSignIn.token_hash == token_hash(token), ProviderSignIn.expires_at > clock.now()
    )
    return (await session.execute(found.with_for_update())).scalar_one_or_none()


async def _waiting(session: Session, actor: Actor, token: str) -> tuple[ProviderSignIn, IdentityProvider]:
    begun = await _begun(session, token)
    if begun is None or begun.subject is None or actor.person_id is None or begun.person_id != actor.person_id:
        raise SignInNotFinishedError
    return begun, await _active(session, begun.provider_id)


def _client(provider: IdentityProvider, redirect_uri: str) -> Client:
    return Client(provider.issuer, provider.client_id, provider.client_secret, redirect_uri)
