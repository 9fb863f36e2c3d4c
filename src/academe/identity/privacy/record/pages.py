"""The page on which people read who looked at their record, and the card about it for those who audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from academe.identity.models import Person
from academe.identity.people.cards import PersonCard
from academe.identity.privacy import policy
from academe.identity.privacy.record.queries import Access, RecordFilter, last_accesses, own_accesses
from academe.platform.actor import Actor
from academe.platform.audit.types import EntryKind
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, TableView, render

router = page_router("/account/privacy")

SHOWN_ON_CARD: Final = 10

_COLUMNS: Final = (
    Column("at", "When"),
    Column("who", "Who"),
    Column("what", "What", hide_below="sm"),
    Column("purpose", "What for"),
)
_KINDS: Final = (("", "Everything"), (EntryKind.READ.value, "Looked at"), (EntryKind.WRITE.value, "Changed"))


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Who looked at one's record or changed it, as it was asked for."""

    table: TableView[Access]
    kind: str
    since: str
    until: str
    by: str
    kinds: Sequence[tuple[str, str]] = _KINDS


@dataclass(frozen=True, slots=True)
class RecordCard:
    """The last entries about somebody."""

    accesses: Sequence[Access]


@router.get("")
async def show_own_record(
    request: Request,
    actor: SignedIn,
    session: ReadOnlySession,
    paging: Paging,
    kind: str = "",
    since: str = "",
    until: str = "",
    by: str = "",
) -> Response:
    """Who looked at one's record; what the address does not say rightly is left out."""
    if actor.person_id is None:
        raise PermissionDeniedError("Only people have a record.")
    wanted = RecordFilter(
        EntryKind(kind) if kind in set(EntryKind) else None, day_of(since), day_of(until), with_own=by == "all"
    )
    found = await own_accesses(session, actor.person_id, wanted, paging)
    table = TableView(
        "accesses",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    page = RecordPage(table, kind, since, until, by)
    return render(request, "identity/privacy/record.html", page, block="accesses")


async def record_card(session: Session, actor: Actor, person: Person) -> PersonCard | None:
    """The last accesses to somebody's record, for those who audit."""
    if person.id == actor.person_id or not policy.can_audit(actor, person.institution_id):
        return None
    last = await last_accesses(session, person.id, limit=SHOWN_ON_CARD)
    return PersonCard("identity/privacy/record_card.html", RecordCard(last))


def day_of(text: str) -> date | None:
    """The day as the address names it, if it is one."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
