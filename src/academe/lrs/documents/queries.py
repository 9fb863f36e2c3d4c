"""Reads of documents."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from academe.lrs.documents.models import XapiDocument
from academe.lrs.documents.types import Address, Content, Context, Document
from academe.platform.database.session import ReadSession, Session


async def document_at(session: Session | ReadSession, address: Address, *, lock: bool = False) -> Document | None:
    """The document, or None; with `lock`, nobody else writes it until the transaction ends."""
    columns = (XapiDocument.content, XapiDocument.content_type, XapiDocument.etag, XapiDocument.changed_at)
    query = select(*columns).where(XapiDocument.id == address.key)
    row = (await session.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else Document(Content(row.content, row.content_type), row.etag, row.changed_at)


async def locked_etag_at(session: Session, address: Address) -> str | None:
    """The entity tag of a document that nobody else writes until the transaction ends; None when there is none."""
    return await session.scalar(select(XapiDocument.etag).where(XapiDocument.id == address.key).with_for_update())


async def ids_in(
    session: Session | ReadSession, context: Context, *, since: datetime | None = None
) -> list[tuple[str, datetime]]:
    """The ids of the documents of a context in the order of their characters, each with its last change.

    Without a registration they are those of every registration and of none. `since` leaves out what was last changed
    at that time or before.
    """
    changed = func.max(XapiDocument.changed_at)
    query = select(XapiDocument.document_id, changed).where(in_context(context)).group_by(XapiDocument.document_id)
    if since is not None:
        query = query.where(XapiDocument.changed_at > since)
    return sorted((document_id, changed_at) for document_id, changed_at in await session.execute(query))


def locked(condition: ColumnElement[bool]) -> Select[UUID, str]:
    """The keys and ids of the documents of a condition, locked in the order of their keys."""
    query = select(XapiDocument.id, XapiDocument.document_id).where(condition)
    return query.order_by(XapiDocument.id).with_for_update()


def in_context(context: Context) -> ColumnElement[bool]:
    """The condition of belonging to a context, whatever the registration when the context names none."""
    # With None this is IS NULL, which an index answers; it answers no IS NOT DISTINCT FROM.
    condition = (
        (XapiDocument.kind == context.kind)
        & (XapiDocument.agent_key == context.agent_key)
        & (XapiDocument.activity_key == context.activity_key)
        & (XapiDocument.institution_id == context.institution_id)
    )
    if context.registration is not None:
        condition &= XapiDocument.registration == context.registration
    return condition
