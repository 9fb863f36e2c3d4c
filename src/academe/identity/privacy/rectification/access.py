"""The ways of registrars to requests for corrections."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select

from academe.identity import policy
from academe.identity.privacy.rectification.errors import RectificationNotFoundError
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.queries import ShownRequest, requests, shown
from academe.identity.privacy.rectification.types import RectificationStatus
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Session


def requests_to_decide(actor: Actor, status: RectificationStatus | None) -> Select[*tuple[Any, ...]]:
    """The requests in the institutions whose records the actor keeps."""
    kept = RectificationRequest.institution_id.in_(policy.institutions_to_register(actor))
    wanted = requests().where(kept)
    return wanted if status is None else wanted.where(RectificationRequest.status == status)


async def request_to_decide(session: Session, *, actor: Actor, request_id: UUID) -> ShownRequest:
    """A request for those who decide; leaves an entry. Raises RectificationNotFoundError."""
    policy.require(not actor.is_anonymous, actor, "")
    wanted = requests_to_decide(actor, None).where(RectificationRequest.id == request_id)
    row = (await session.execute(wanted)).one_or_none()
    if row is None:
        raise RectificationNotFoundError
    found = shown(row)
    subject = Subject("rectification_request", found.id, None, found.person_id)
    record_access(session, actor=actor, subject=subject, purpose="correcting the record")
    return found
