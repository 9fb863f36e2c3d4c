"""The erasure of an agent."""

import hashlib
import hmac
import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import text

from academe.lrs.documents.service import erase_documents_of
from academe.lrs.facts import AgentErased
from academe.lrs.keys import key_uuid
from academe.lrs.privacy import policy
from academe.lrs.privacy.errors import AgentSendsError
from academe.lrs.privacy.naming import key_of_text, keys_of_same
from academe.lrs.privacy.types import HOME_PAGE, Erasure
from academe.lrs.senders.policy import require
from academe.lrs.spool.service import forget_set_aside
from academe.platform.actor import Actor, system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Database, Session
from academe.platform.files.choice import file_store
from academe.platform.ids import new_id
from academe.platform.outbox.service import announce

_SYSTEM: Final = system_actor("lrs erasure")
_PSEUDONYM_BYTES: Final = 16

# The lock that the erasure takes anyway (`statements.store`): nobody may begin to send in between.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(7246913550115)")
_SENDS: Final = text("SELECT EXISTS (SELECT FROM xapi_sender WHERE authority_key = :agent AND revoked_at IS NULL)")
_REPORTED_BY: Final = text(
    """
    SELECT s.institution_id
    FROM xapi_statement s
    JOIN (SELECT stored FROM xapi_statement WHERE agent_key = ANY(:keys)
          UNION SELECT stored FROM xapi_statement_agent WHERE agent_key = ANY(:keys)) named USING (stored)
    UNION SELECT institution_id FROM xapi_document WHERE agent_key = ANY(:keys)
    UNION SELECT institution_id FROM xapi_set_aside WHERE agent_keys && CAST(:keys AS uuid[])
    """
)
_IS_KNOWN: Final = text(
    """
    SELECT EXISTS (SELECT FROM xapi_agent WHERE id = :key) OR EXISTS (SELECT FROM xapi_authority WHERE id = :key)
        OR EXISTS (SELECT FROM xapi_statement WHERE agent_key = :key)
        OR EXISTS (SELECT FROM xapi_statement_agent WHERE agent_key = :key)
        OR EXISTS (SELECT FROM xapi_document WHERE agent_key = :key)
        OR EXISTS (SELECT FROM xapi_set_aside WHERE agent_keys @> ARRAY[CAST(:key AS uuid)])
        OR EXISTS (SELECT FROM xapi_sender WHERE authority_key = :agent)
    """
)
_ERASE: Final = text(
    "SELECT statements, before, after, signatures FROM erase_xapi_agent(:agent, :old_key, :pseudonym, :new_key, :salt)"
)
_FORGET_SIGNATURES: Final = text("SELECT * FROM forget_xapi_signatures(:hashes)")


async def erase_agent(database: Database, *, actor: Actor, agent_key_text: str) -> Erasure:
    """Put a pseudonym in the place of an agent, in one transaction of Academe itself, asked for by `actor`.

    `agent_key_text` is an Agent as JSON or a key (`mbox:ada@example.com`); an address is erased with its hash.
    Documents about the agent and signatures over its statements are deleted. Writers of statements wait meanwhile.
    Raises NoAgentError, AgentSendsError and PermissionDeniedError. Nothing known of the agent leaves no entry.
    """
    require(policy.can_erase(actor), actor, policy.ADMINISTRATORS_ONLY)
    keys = keys_of_same(key_of_text(agent_key_text))
    salt = hmac.digest(database.settings.signing_key, b"erasure of an xAPI agent", hashlib.sha256)
    request = new_id()
    if not actor.is_system:
        # In a transaction of their own: nobody, not even Academe, writes to the audit in the name of another.
        async with database.transaction(actor) as session:
            subject = Subject("xapi_erasure", request)
            record(session, actor=actor, action="xapi_erasure.requested", subject=subject, summary="Erasure requested")
    async with database.transaction(_SYSTEM, timeout_seconds=0) as session:
        erasure = await erase_in(session, actor=actor, keys=keys, salt=salt, request=request)
    # Behind the commit: a transaction that fails must not have lost them.
    for digest in erasure.files:
        await file_store(database.settings).delete(digest)
    return erasure


async def erase_in(session: Session, *, actor: Actor, keys: tuple[str, ...], salt: bytes, request: UUID) -> Erasure:
    """The erasure of one person's keys in a transaction of the system; `request` is the id in the audit."""
    await session.execute(_LOCK)
    reported = (await session.scalars(_REPORTED_BY, {"keys": [key_uuid(key) for key in keys]})).all()
    require(policy.can_erase_reported_by(actor, reported), actor, policy.ELSEWHERE)
    each = [await _erase_key(session, key, salt, request) for key in keys]
    found = [erasure for erasure in each if erasure is not None]
    return Erasure(
        statements=sum(one.statements for one in found),
        documents=sum(one.documents for one in found),
        signatures=sum(one.signatures for one in found),
        pseudonyms=tuple(pseudonym for one in found for pseudonym in one.pseudonyms),
        before=" ".join(one.before for one in found if one.before),
        after=" ".join(one.after for one in found if one.after),
        files=tuple(digest for one in found for digest in one.files),
    )


async def _erase_key(session: Session, key: str, salt: bytes, request: UUID) -> Erasure | None:
    """Erase one identifier; None when nothing is known of it."""
    old_key = key_uuid(key)
    if not (await session.execute(_IS_KNOWN, {"key": old_key, "agent": key})).scalar_one():
        return None
    if (await session.execute(_SENDS, {"agent": key})).scalar_one():
        raise AgentSendsError
    pseudonym = secrets.token_hex(_PSEUDONYM_BYTES)
    new_key = key_uuid(f"account:{HOME_PAGE}|{pseudonym}")
    values = {"agent": key, "old_key": old_key, "pseudonym": pseudonym, "new_key": new_key, "salt": salt}
    row = (await session.execute(_ERASE, values)).one()
    documents = await erase_documents_of(session, actor=_SYSTEM, agent=key, known_as=new_key)
    set_aside = await forget_set_aside(session, keys=[old_key])
    hashes = sorted(set(row.signatures))
    files = (await session.scalars(_FORGET_SIGNATURES, {"hashes": hashes})).all() if hashes else ()
    erasure = Erasure(row.statements, documents, len(hashes), (pseudonym,), row.before, row.after, tuple(files))
    _leave_evidence(session, new_key, erasure, set_aside, request)
    await announce(session, AgentErased(agent_key=old_key, pseudonym_key=new_key))
    return erasure


def _leave_evidence(session: Session, pseudonym_key: UUID, erasure: Erasure, set_aside: int, request: UUID) -> None:
    """Say in the audit what was done; by the pseudonym, for the key of an address is soon guessed."""
    record(
        session,
        actor=_SYSTEM,
        action="xapi_agent.erased",
        subject=Subject("xapi_agent", pseudonym_key),
        summary=f"Agent erased from {erasure.statements:,} statements",
        changes={
            "request": request,
            "pseudonym": erasure.pseudonyms[0],
            "statements": erasure.statements,
            "documents": erasure.documents,
            "signatures": erasure.signatures,
            "set_aside": set_aside,
            "hash": [erasure.before, erasure.after],
        },
    )
