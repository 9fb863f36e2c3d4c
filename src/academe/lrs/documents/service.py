"""Verbs of documents. Each decides on the locked row, in the transaction of its session."""

from uuid import UUID

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert

from academe.lrs.documents.merging import merged
from academe.lrs.documents.models import XapiDocument
from academe.lrs.documents.preconditions import Preconditions
from academe.lrs.documents.queries import document_at, in_context, locked, locked_etag_at
from academe.lrs.documents.types import Address, Content, Context, DocumentKind, etag_of, ids_as_json
from academe.lrs.errors import DocumentExistsError
from academe.lrs.keys import key_uuid
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.versions import Version
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.errors import PayloadTooLargeError


async def put_document(
    session: Session, address: Address, content: Content, *, preconditions: Preconditions, version: Version
) -> None:
    """Store a document, in the place of the one that is there.

    Raises PreconditionFailedError when the preconditions do not hold. Without any, a document is replaced only where it
    is a state of 1.0.3; otherwise DocumentExistsError. A profile of 1.0.3 needs preconditions even when it is new
    (XapiFault).
    """
    while True:
        etag = await locked_etag_at(session, address)
        if preconditions.are_given:
            preconditions.require(etag)
        else:
            _allow_without_preconditions(address.context.kind, version, exists=etag is not None)
        if await _stored(session, address, content, is_new=etag is None):
            return


async def post_document(
    session: Session, address: Address, content: Content, *, preconditions: Preconditions, limit_bytes: int
) -> None:
    """Store a document, or merge its properties into the one that is there.

    Raises PreconditionFailedError, XapiFault when the two cannot be merged, and PayloadTooLargeError when together
    they are larger than the limit.
    """
    while True:
        there = await document_at(session, address, lock=True)
        preconditions.require(None if there is None else there.etag)
        together = content if there is None else merged(there.content, content)
        if len(together.body) > limit_bytes:
            raise PayloadTooLargeError(limit_bytes)
        if await _stored(session, address, together, is_new=there is None):
            return


async def delete_document(session: Session, address: Address, *, preconditions: Preconditions) -> None:
    """Delete a document; nothing happens when there is none. Raises PreconditionFailedError."""
    etag = await locked_etag_at(session, address)
    preconditions.require(etag)
    if etag is not None:
        await session.execute(delete(XapiDocument).where(XapiDocument.id == address.key))


async def delete_documents(session: Session, context: Context, *, preconditions: Preconditions) -> None:
    """Delete all documents of a context, of every registration when it names none.

    Preconditions are about the list of their ids, as a GET returns it. Raises PreconditionFailedError.
    """
    found = (await session.execute(locked(in_context(context)))).all()
    if preconditions.are_given:
        preconditions.require(etag_of(ids_as_json(sorted({document_id for _, document_id in found}))))
    await session.execute(delete(XapiDocument).where(XapiDocument.id.in_([key for key, _ in found])))


async def erase_documents_of(session: Session, *, actor: Actor, agent: str, known_as: UUID | None = None) -> int:
    """Delete every state and profile kept about an agent, whose key is `agent`; returns how many there were.

    The audit names the agent by `known_as`, where it has a pseudonym: the UUID of an address is soon guessed.

    It is the documents' part of the erasure of a person, whose permission is checked where that begins.
    """
    if not actor.is_system:
        raise PermissionDeniedError("Only Academe itself erases documents; begin with the erasure of the person.")
    key = key_uuid(agent)
    erased = (await session.scalars(locked(XapiDocument.agent_key == key))).all()
    await session.execute(delete(XapiDocument).where(XapiDocument.id.in_(erased)))
    if erased:
        record(
            session,
            actor=actor,
            action="xapi_document.erased",
            subject=Subject("xapi_agent", known_as or key),
            summary=f"Documents of an agent erased: {len(erased):,}",
            changes={"documents": len(erased)},
        )
    return len(erased)


def _allow_without_preconditions(kind: DocumentKind, version: Version, *, exists: bool) -> None:
    if kind is DocumentKind.STATE and version is Version.ONE:
        return
    if exists:
        raise DocumentExistsError
    if version is Version.ONE:
        raise XapiFault("", "A profile is PUT with an If-Match or an If-None-Match header.")


async def _stored(session: Session, address: Address, content: Content, *, is_new: bool) -> bool:
    """Write a document; False when it was new and somebody else has stored a first version meanwhile.

    There is a row to lock then, and another decision to make.
    """
    if is_new:
        return await _inserted(session, address, content)
    await session.execute(update(XapiDocument).where(XapiDocument.id == address.key).values(_columns_of(content)))
    return True


async def _inserted(session: Session, address: Address, content: Content) -> bool:
    context = address.context
    statement = insert(XapiDocument).values(
        id=address.key,
        kind=context.kind,
        activity=context.activity,
        activity_key=context.activity_key,
        agent=context.agent,
        agent_key=context.agent_key,
        registration=context.registration,
        document_id=address.document_id,
        institution_id=context.institution_id,
        **_columns_of(content),
    )
    statement = statement.on_conflict_do_nothing(index_elements=["id"])
    return (await session.scalar(statement.returning(XapiDocument.id))) is not None


def _columns_of(content: Content) -> dict[str, object]:
    return {
        "content": content.body,
        "content_type": content.content_type,
        "etag": etag_of(content.body),
        # Not the beginning of the transaction, which may have waited for the row: the change before it could be later.
        "changed_at": func.clock_timestamp(),
    }
