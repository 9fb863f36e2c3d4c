"""Verbs of passkeys. The checks of WebAuthn (Level 3, sections 7.1 and 7.2) are py_webauthn's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from academe.identity.errors import PasskeyNotFoundError, PasskeyRefusedError
from academe.identity.facts import SignInChange
from academe.identity.models import Account, Person
from academe.identity.passkeys.challenges import ACTOR, LIFETIME, Place, ask, take
from academe.identity.second_factor.service import announce_change, forget_codes_without_factor
from academe.identity.sign_in.models import Passkey
from academe.identity.sign_in.queries import credential_ids
from academe.identity.sign_in.sessions import (
    OpenedSession,
    about_account,
    account_of,
    add_session,
    end_sessions,
    open_session,
    require_recent,
)
from academe.identity.sign_in.unfinished import forget_step, waiting_account
from academe.identity.types import PersonStatus
from academe.platform import clock
from academe.platform.actor import Actor
from academe.platform.audit.service import record
from academe.platform.database.session import Database, Session
from academe.platform.errors import FieldError, InvalidInputError
from academe.platform.logging import get_logger

LONGEST_NAME: Final = 60
PRODUCT: Final = "Academe"
_MILLISECONDS: Final = int(LIFETIME.total_seconds()) * 1000

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """What the browser's script is given (JSON of WebAuthn, section 5.1.10), and the token for its cookie."""

    token: str
    options: dict[str, Any]


async def ask_for_new(session: Session, database: Database, *, actor: Actor, place: Place) -> Question:
    """What a device needs to make a passkey for the actor; it must verify its user and keep the key itself.

    Raises RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    asked = await ask(database, account.id)
    options = generate_registration_options(
        rp_id=place.host,
        rp_name=PRODUCT,
        user_id=account.id.bytes,
        user_name=account.email,
        user_display_name=account.person.display_name,
        challenge=asked.challenge,
        timeout=_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_described(await credential_ids(session, account.id)),
    )
    return Question(asked.token, json.loads(options_to_json(options)))


async def add_passkey(
    session: Session,
    database: Database,
    *,
    actor: Actor,
    place: Place,
    token: str,
    credential: dict[str, Any],
    name: str,
    lifetime: timedelta,
    user_agent: str = "",
) -> OpenedSession:
    """Let a passkey sign the actor in: all sessions end, and this browser gets a new one.

    Raises PasskeyRefusedError, InvalidInputError for its name, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    called = checked_name(name)
    taken = await take(database, token)
    if taken.account_id != account.id:
        raise PasskeyRefusedError
    try:
        made = verify_registration_response(
            credential=credential,
            expected_challenge=taken.challenge,
            expected_rp_id=place.host,
            expected_origin=place.origin,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        _log.info("passkey.refused", exc_info=error)
        raise PasskeyRefusedError from error
    passkey = Passkey(
        account_id=account.id,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        name=called,
    )
    try:
        async with session.begin_nested():
            session.add(passkey)
    except IntegrityError as error:
        raise PasskeyRefusedError from error
    await end_sessions(session, account.id, keep=None)
    await announce_change(session, actor, account, SignInChange.PASSKEY_ADDED, "passkey.added", "Passkey added")
    return await add_session(session, account, lifetime=lifetime, user_agent=user_agent)


async def rename_passkey(session: Session, *, actor: Actor, passkey_id: UUID, name: str) -> None:
    """Call one of the actor's passkeys something else. Raises PasskeyNotFoundError, InvalidInputError."""
    account = await account_of(session, actor)
    own = (Passkey.id == passkey_id, Passkey.account_id == account.id)
    renamed = await session.execute(update(Passkey).where(*own).values(name=checked_name(name)).returning(Passkey.id))
    if renamed.first() is None:
        raise PasskeyNotFoundError
    record(session, actor=actor, action="passkey.renamed", subject=about_account(account), summary="Passkey renamed")


async def remove_passkey(session: Session, *, actor: Actor, passkey_id: UUID) -> None:
    """Take one of the actor's passkeys away; every other browser is signed out.

    Raises PasskeyNotFoundError, RecentSignInRequiredError.
    """
    account = await account_of(session, actor)
    await require_recent(session, actor)
    own = (Passkey.id == passkey_id, Passkey.account_id == account.id)
    removed = await session.execute(delete(Passkey).where(*own).returning(Passkey.id))
    if removed.first() is None:
        raise PasskeyNotFoundError
    await forget_codes_without_factor(session, account.id)
    await end_sessions(session, account.id, keep=actor.session_id)
    await announce_change(session, actor, account, SignInChange.PASSKEY_REMOVED, "passkey.removed", "Passkey removed")


async def ask_for_passkey(database: Database, *, place: Place, step_token: str | None) -> Question:
    """What a device needs to sign somebody in; after a password, only the passkeys of that account will do."""
    allowed: list[PublicKeyCredentialDescriptor] = []
    account_id = None
    if step_token is not None:
        async with database.transaction(ACTOR) as session:
            account_id = await waiting_account(session, step_token)
            if account_id is not None:
                allowed = _described(await credential_ids(session, account_id))
    asked = await ask(database, account_id)
    options = generate_authentication_options(
        rp_id=place.host,
        challenge=asked.challenge,
        timeout=_MILLISECONDS,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return Question(asked.token, json.loads(options_to_json(options)))


async def sign_in_with_passkey(
    database: Database,
    *,
    place: Place,
    token: str,
    credential: dict[str, Any],
    step_token: str | None,
    user_agent: str = "",
    replaces: str | None = None,
) -> OpenedSession:
    """Open a session for whoever's passkey has answered the challenge of this browser. Raises PasskeyRefusedError."""
    taken = await take(database, token)
    try:
        answer = parse_authentication_credential_json(credential)
    except WebAuthnException as error:
        raise PasskeyRefusedError from error
    async with database.transaction(ACTOR) as session:
        passkey = await _usable(session, answer.raw_id)
        if passkey is None or taken.account_id not in (None, passkey.account_id):
            raise PasskeyRefusedError
        if answer.response.user_handle not in (None, passkey.account_id.bytes):
            raise PasskeyRefusedError
        try:
            checked = verify_authentication_response(
                credential=answer,
                expected_challenge=taken.challenge,
                expected_rp_id=place.host,
                expected_origin=place.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except WebAuthnException as error:
            _log.warning("passkey.refused", exc_info=error)
            raise PasskeyRefusedError from error
        passkey.sign_count, passkey.last_used_at = checked.new_sign_count, clock.now()
        if step_token is not None:
            await forget_step(session, step_token)
        return await open_session(
            session,
            passkey.account_id,
            means="passkey",
            lifetime=timedelta(hours=database.settings.session_absolute_hours),
            user_agent=user_agent,
            replaces=replaces,
        )


def checked_name(name: str) -> str:
    """What a passkey may be called. Raises InvalidInputError."""
    called = name.strip()
    if not 1 <= len(called) <= LONGEST_NAME or not called.isprintable():
        message = f"Please give a name of 1 to {LONGEST_NAME} characters."
        raise InvalidInputError(message, errors=[FieldError("name", message)])
    return called


async def _usable(session: Session, credential_id: bytes) -> Passkey | None:
    """The passkey of somebody who may sign in, locked, so that its counter is compared with one answer at a time."""
    found = await session.execute(
        select(Passkey)
        .join(Account, Account.id == Passkey.account_id)
        .join(Person, Person.id == Account.person_id)
        .where(Passkey.credential_id == credential_id, Account.is_active, Person.status == PersonStatus.ACTIVE)
        .with_for_update(of=Passkey)
    )
    return found.scalar_one_or_none()


def _described(ids: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each) for each in ids]
