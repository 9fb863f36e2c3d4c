"""The only way of a person to what was set aside: reads as that person, and leaves an entry that somebody looked."""

from academe.lrs.senders.policy import require
from academe.lrs.spool import policy
from academe.lrs.spool.queries import BY_RECEIPT, SetAside, set_aside, shown
from academe.lrs.watching.policy import institutions_read_by
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.database.session import Database
from academe.platform.http.pagination import Page, PageRequest, fetch_page


async def set_aside_page(database: Database, actor: Actor, request: PageRequest) -> Page[SetAside]:
    """What the actor may read, the oldest first; raises PermissionDeniedError and InvalidCursorError."""
    require(policy.can_read(actor), actor, policy.READERS_ONLY)
    async with database.reading(actor) as session:
        page = await fetch_page(session, set_aside(policy.readable_by(actor)), BY_RECEIPT, request, shown)
    if not page.items:
        return page
    async with database.transaction(actor) as session:
        for institution_id in sorted(institutions_read_by(actor), key=str):
            subject = Subject("institution", institution_id, institution_id)
            action = "xapi_set_aside.listed"
            record_access(session, actor=actor, subject=subject, purpose="list of what was set aside", action=action)
    return page
