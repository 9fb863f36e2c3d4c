"""Pages and JSON of merging: choose the other, see what it does, and do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.errors import MergeRefusedError
from academe.identity.models import Person
from academe.identity.people.pages import find
from academe.identity.people.queries import DirectoryFilter, ListedPerson
from academe.identity.people_merge.service import Merge, MergedRows, merge_people, preview_merge
from academe.identity.service import about, known_person
from academe.platform.actor import Actor
from academe.platform.audit.service import record_access
from academe.platform.database.session import Session
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.pagination import Paging
from academe.platform.http.routing import api_router, page_router
from academe.platform.pages import redirect, render

router = page_router("/people/{person_id}/merge")
api = api_router("/people/{person_id}/merge", tag="people")

PURPOSE: Final = "finding people who are known twice"


@dataclass(frozen=True, slots=True)
class ChoosePage:
    """Somebody, and the people who may be the same."""

    person: Person
    search: str
    others: Sequence[ListedPerson]


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """What merging two people does, or why it cannot be done."""

    survivor: Person
    merged: Person
    merge: Merge | None
    refused: str = ""


class MergeIn(BaseModel):
    """Who turns out to be the person of the address, and whether that is only asked."""

    merged_id: UUID
    preview: bool = Field(False, description="Answer what would happen, and change nothing.")


class MergedRowsOut(BaseModel):
    """What became of the rows of one table."""

    table: str
    field: str
    moved: int
    stayed: int


class MergeOut(BaseModel):
    """What merging did, or would do."""

    survivor_id: UUID
    merged_id: UUID
    rows: list[MergedRowsOut]
    differing_particulars: list[str] = Field(description="Those that both have; the survivor's count.")


@router.get("")
async def choose_other(
    request: Request,
    person_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    paging: Paging,
    q: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """The people who may be the same as somebody: those with the same name, or found by other words."""
    person = await _to_merge(session, actor, person_id)
    search = person.display_name if q is None else q
    async with database_of(request).reading(actor) as reading:
        page, similar = await find(reading, actor, DirectoryFilter(search.strip()), paging)
    others = [each for each in (*page.items, *similar) if each.id != person.id]
    record_access(session, actor=actor, subject=about(person), purpose=PURPOSE)
    return render(request, "identity/merge_choose.html", ChoosePage(person, search, others), block="others")


@router.get("/{other_id}")
async def show_preview(
    request: Request, person_id: UUID, other_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """What merging the two does; the person of the address survives."""
    person, other = await _to_merge(session, actor, person_id), await known_person(session, actor, other_id)
    record_access(session, actor=actor, subject=about(other), purpose=PURPOSE)
    try:
        merge = await preview_merge(session, actor=actor, survivor_id=person_id, merged_id=other_id)
    except MergeRefusedError as error:
        page = PreviewPage(person, other, None, error.message)
        return render(request, "identity/merge_preview.html", page, status=error.status)
    return render(request, "identity/merge_preview.html", PreviewPage(person, other, merge))


@router.post("/{other_id}")
async def take_merge(
    request: Request, person_id: UUID, other_id: UUID, actor: SignedIn, session: WriteSession
) -> Response:
    """Merge the two."""
    merge = await merge_people(session, actor=actor, survivor_id=person_id, merged_id=other_id)
    return redirect(request, f"/people/{person_id}", f"{merge.merged.display_name} was merged into this person.")


@api.post("")
async def post_merge(person_id: UUID, body: MergeIn, actor: SignedIn, session: WriteSession) -> MergeOut:
    """Merge somebody into the person of the address, or ask what that would do: administrators."""
    verb = preview_merge if body.preview else merge_people
    merge = await verb(session, actor=actor, survivor_id=person_id, merged_id=body.merged_id)
    return MergeOut(
        survivor_id=merge.survivor.id,
        merged_id=merge.merged.id,
        rows=[_shown(each) for each in merge.rows],
        differing_particulars=list(merge.differing),
    )


async def _to_merge(session: Session, actor: Actor, person_id: UUID) -> Person:
    person = await known_person(session, actor, person_id)
    permitted = policy.can_manage_accounts(actor, person.institution_id)
    policy.require(permitted, actor, "Only administrators may merge people.")
    return person


def _shown(rows: MergedRows) -> MergedRowsOut:
    return MergedRowsOut(table=rows.table, field=rows.field, moved=rows.moved, stayed=rows.stayed)
