"""Verbs of providers: administrators configure those of their institution; people end connections of their own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from academe.identity import policy
from academe.identity.facts import SignInChange, SignInChanged
from academe.identity.providers.errors import IdentityNotFoundError, ProviderKnownError, ProviderNotFoundError
from academe.identity.providers.models import LONGEST_NAME, IdentityProvider
from academe.identity.providers.sessions import end_sessions_by
from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.identity.sign_in.models import SignInIdentity
from academe.identity.sign_in.sessions import about_account, account_of, require_recent
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.outbox.service import announce

_ONLY: Final = "Only administrators may decide by which providers people sign in."
_DOMAIN: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_WORD: Final = re.compile(r"[!-~]{1,200}")
_MOST: Final = 50
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class ProviderWanted:
    """How a provider is to be; `client_secret` None keeps the present one."""

    name: str
    issuer: str
    client_id: str
    client_secret: str | None
    domains: Sequence[str]
    unknown_person: UnknownPerson
    second_factor_values: Sequence[str]
    is_active: bool = True
    kind: ProviderKind = ProviderKind.OIDC
    sso_url: str | None = None
    certificates: str | None = None


async def add_provider(
    session: Session, *, actor: Actor, institution_id: UUID, wanted: ProviderWanted
) -> IdentityProvider:
    """Let people of an institution sign in by a provider. Raises InvalidInputError, ProviderKnownError."""
    policy.require(policy.can_manage_accounts(actor, institution_id), actor, _ONLY)
    provider = IdentityProvider(institution_id=institution_id, kind=wanted.kind, client_secret=None)
    _take(provider, wanted)
    session.add(provider)
    await _flush(session, provider)
    _record(session, actor, provider, "provider.added", f"Sign-in provider {provider.name} added")
    return provider


async def change_provider(
    session: Session, *, actor: Actor, provider_id: UUID, wanted: ProviderWanted
) -> IdentityProvider:
    """Change how a provider is spoken to and believed; one that is switched off ends the sessions it has opened.

    Its issuer is part of who its identities are, so it stays once somebody is connected.
    Raises ProviderNotFoundError, InvalidInputError, ProviderKnownError.
    """
    provider = await provider_for(session, actor=actor, provider_id=provider_id)
    if wanted.issuer.strip() != provider.issuer:
        connected = select(SignInIdentity.id).where(SignInIdentity.provider_id == provider.id).limit(1)
        if (await session.execute(connected)).first() is not None:
            message = "People are connected with this issuer; add another provider for another issuer."
            raise InvalidInputError(message, errors=[FieldError("issuer", message)])
    before = _told(provider)
    _take(provider, wanted)
    await _flush(session, provider)
    known = update(SignInIdentity).where(SignInIdentity.provider_id == provider.id)
    await session.execute(known.values(auth_provider=provider.name))
    if not provider.is_active:
        await end_sessions_by(session, SignInIdentity.provider_id == provider.id)
    after = _told(provider)
    changes: dict[str, object] = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if wanted.client_secret:
        changes["client_secret"] = ["kept secret", "changed"]
    _record(session, actor, provider, "provider.changed", f"Sign-in provider {provider.name} changed", changes)
    return provider


async def remove_provider(session: Session, *, actor: Actor, provider_id: UUID) -> None:
    """Take a provider away with every connection of people to it, and end the sessions it has opened."""
    provider = await provider_for(session, actor=actor, provider_id=provider_id)
    await end_sessions_by(session, SignInIdentity.provider_id == provider.id)
    _record(session, actor, provider, "provider.removed", f"Sign-in provider {provider.name} removed")
    await session.execute(delete(IdentityProvider).where(IdentityProvider.id == provider.id))


async def provider_for(session: Session | ReadSession, *, actor: Actor, provider_id: UUID) -> IdentityProvider:
    """A provider that the actor may configure; raises ProviderNotFoundError."""
    policy.require(actor.is_system or policy.decides_sign_in(actor), actor, _ONLY)
    provider = await session.get(IdentityProvider, provider_id)
    if provider is None or not policy.can_manage_accounts(actor, provider.institution_id):
        raise ProviderNotFoundError
    return provider


async def disconnect(session: Session, *, actor: Actor, identity_id: UUID) -> None:
    """End one of the actor's own connections and the other sessions that it has opened.

    Raises IdentityNotFoundError, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    own = (SignInIdentity.id == identity_id, SignInIdentity.person_id == account.person_id)
    if (await session.execute(select(SignInIdentity.id).where(*own))).first() is None:
        raise IdentityNotFoundError
    await end_sessions_by(session, SignInIdentity.id == identity_id, keep=actor.session_id)
    await session.execute(delete(SignInIdentity).where(*own))
    summary = "Connection with a sign-in provider ended"
    record(session, actor=actor, action="identity.disconnected", subject=about_account(account), summary=summary)
    await announce(session, SignInChanged(account.person_id, SignInChange.PROVIDER_DISCONNECTED))


def _take(provider: IdentityProvider, wanted: ProviderWanted) -> None:
    faults: list[FieldError] = []
    provider.name = wanted.name.strip()
    if not 1 <= len(provider.name) <= LONGEST_NAME or not provider.name.isprintable():
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters."))
    provider.issuer, provider.client_id = wanted.issuer.strip(), wanted.client_id.strip()
    faults += _take_saml(provider, wanted) if provider.kind is ProviderKind.SAML else _take_oidc(provider)
    if wanted.client_secret:
        provider.client_secret = wanted.client_secret
    provider.domains = sorted({domain.strip().lower().removeprefix("@") for domain in wanted.domains})
    wrong = next((domain for domain in provider.domains if not _DOMAIN.fullmatch(domain)), None)
    if wrong is not None or len(provider.domains) > _MOST:
        faults.append(FieldError("domains", f"{wrong or 'This many'} cannot be: give domains such as example.edu."))
    if wanted.unknown_person is UnknownPerson.LINK and not provider.domains:
        faults.append(FieldError("domains", "Please say for which domains the provider may vouch."))
    provider.second_factor_values = sorted({value.strip() for value in wanted.second_factor_values})
    if len(provider.second_factor_values) > _MOST or not all(map(_WORD.fullmatch, provider.second_factor_values)):
        faults.append(FieldError("second_factor_values", "Please give words without blanks, such as mfa."))
    provider.unknown_person, provider.is_active = wanted.unknown_person, wanted.is_active
    if faults:
        raise InvalidInputError(errors=faults)


def _take_oidc(provider: IdentityProvider) -> list[FieldError]:
    faults = []
    if not _is_issuer(provider.issuer):
        faults.append(FieldError("issuer", "Please give the issuer, such as https://login.example.edu."))
    if not _WORD.fullmatch(provider.client_id):
        faults.append(FieldError("client_id", "Please give the client id that the provider has given you."))
    return faults


def _take_saml(provider: IdentityProvider, wanted: ProviderWanted) -> list[FieldError]:
    faults = []
    provider.client_id = ""
    if not 1 <= len(provider.issuer) <= _LONGEST or not provider.issuer.isprintable() or " " in provider.issuer:
        faults.append(FieldError("issuer", "Please give the entity id, such as https://idp.example.edu/shibboleth."))
    provider.sso_url = (wanted.sso_url or "").strip()
    if not _is_issuer(provider.sso_url.partition("?")[0]) or len(provider.sso_url) > _LONGEST:
        faults.append(FieldError("sso_url", "Please give the address for sign-in by redirect."))
    try:
        found = load_pem_x509_certificates((wanted.certificates or "").encode())
        provider.certificates = "".join(each.public_bytes(Encoding.PEM).decode() for each in found)
    except ValueError:
        provider.certificates = ""
        faults.append(FieldError("certificates", "Please give certificates in the PEM form, -----BEGIN and all."))
    return faults


def _is_issuer(issuer: str) -> bool:
    """Discovery 1.0, section 4.3, and Core 1.0, section 2: an address without query and fragment."""
    try:
        parts = urlsplit(issuer)
        _ = parts.port
    except ValueError:
        return False
    plain = len(issuer) <= _LONGEST and all("!" <= letter <= "~" and letter not in "?#@" for letter in issuer)
    return plain and parts.scheme in {"https", "http"} and bool(parts.hostname)


async def _flush(session: Session, provider: IdentityProvider) -> None:
    try:
        async with session.begin_nested():
            session.add(provider)
    except IntegrityError as error:
        raise ProviderKnownError from error


def _told(provider: IdentityProvider) -> dict[str, object]:
    return {
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": provider.client_id,
        "domains": list(provider.domains),
        "unknown_person": provider.unknown_person.value,
        "second_factor_values": list(provider.second_factor_values),
        "is_active": provider.is_active,
        "sso_url": provider.sso_url,
        "certificates": provider.certificates,
    }


def _record(
    session: Session,
    actor: Actor,
    provider: IdentityProvider,
    action: str,
    summary: str,
    changes: dict[str, object] | None = None,
) -> None:
    subject = Subject("identity_provider", provider.id, provider.institution_id)
    record(session, actor=actor, action=action, subject=subject, summary=summary, changes=changes or _told(provider))
