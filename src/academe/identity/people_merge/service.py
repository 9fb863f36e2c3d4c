"""Verbs of merging."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Text

from academe.identity import policy
from academe.identity.errors import MergeRefusedError
from academe.identity.models import Account, AccountSession, Person, PersonParticulars
from academe.identity.privacy.holds.service import require_not_held
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.service import about, known_person
from academe.identity.sign_in.actors import forget_actors
from academe.platform.actor import Actor
from academe.platform.audit.service import record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError

MAY_STAY: Final = (
    "account",
    "guardianship",
    "notification",
    "notification_preference",
    "notification_schedule",
    "offering_staff",
    "person_picture",
    "role_grant",
    "sign_in_identity",
)
"""Tables of which the merged person keeps a row that the survivor has already: nothing is lost by it."""

PARTICULARS: Final = ("contact_email", "phone", "date_of_birth", "locale", "time_zone", "start_page")

_MERGE: Final = text("SELECT source, field, moved, stayed FROM merge_people(:survivor, :merged, :may_stay)").bindparams(
    bindparam("may_stay", list(MAY_STAY), type_=ARRAY(Text()))
)


@dataclass(frozen=True, slots=True)
class MergedRows:
    """What became of the rows of one table: how many went over, and how many stayed with the merged person."""

    table: str
    field: str
    moved: int
    stayed: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Two people and what merging them does; of particulars that are `differing`, the survivor's count."""

    survivor: Person
    merged: Person
    rows: Sequence[MergedRows]
    differing: Sequence[str]


class _PreviewEndsError(Exception):
    """Ends a preview, so that its savepoint is rolled back."""


async def preview_merge(session: Session, *, actor: Actor, survivor_id: UUID, merged_id: UUID) -> Merge:
    """What merging would do; nothing has happened. Raises what `merge_people` raises."""
    merge: Merge | None = None
    try:
        async with session.begin_nested():
            merge = await merge_people(session, actor=actor, survivor_id=survivor_id, merged_id=merged_id)
            raise _PreviewEndsError
    except _PreviewEndsError:
        assert merge is not None
    await session.refresh(merge.survivor)
    await session.refresh(merge.merged)
    return merge


async def merge_people(session: Session, *, actor: Actor, survivor_id: UUID, merged_id: UUID) -> Merge:
    """Make one person of two of an institution, by its administrators.

    Raises PersonNotFoundError, PermissionDeniedError, PersonHeldError, and MergeRefusedError for one and the same
    person, for somebody who was merged before, and where both have what a person may have once (the error names
    the table).
    """
    survivor = await known_person(session, actor, survivor_id)
    merged = await known_person(session, actor, merged_id)
    for person in (survivor, merged):
        permitted = policy.can_manage_accounts(actor, person.institution_id)
        policy.require(permitted, actor, "Only administrators may merge people.")
        await require_not_held(session, person.id)
    _require_two(actor, survivor, merged)
    await session.flush()
    differing = await _merge_particulars(session, survivor, merged)
    requests = await _take_requests(session, actor, survivor, merged)
    try:
        async with session.begin_nested():
            found = await session.execute(_MERGE, {"survivor": survivor.id, "merged": merged.id})
            rows = [MergedRows(*row) for row in found]
    except IntegrityError as error:
        raise _refused(error) from error
    for request, said in requests:
        await session.refresh(request)
        for name, value in said.items():
            setattr(request, name, value)
    await session.flush()
    accounts = select(Account.id).where(Account.person_id == merged.id)
    await session.execute(delete(AccountSession).where(AccountSession.account_id.in_(accounts)))
    for person in (survivor, merged):
        await session.refresh(person)
    counts = {f"{each.table}.{each.field}": [each.moved, each.stayed] for each in rows}
    for person, action in ((survivor, "person.merged_with"), (merged, "person.merged_into")):
        other = merged if person is survivor else survivor
        record(
            session,
            actor=actor,
            action=action,
            subject=about(person),
            summary=f"Merged: {sum(each.moved for each in rows):,} rows went over",
            changes={"with": str(other.id), "rows": counts, "particulars_that_differed": list(differing)},
        )
    forget_actors(session)
    return Merge(survivor, merged, rows, differing)


def _require_two(actor: Actor, survivor: Person, merged: Person) -> None:
    if survivor.id == merged.id:
        raise MergeRefusedError("This is one and the same person.")
    if survivor.institution_id != merged.institution_id:
        raise MergeRefusedError("The two belong to different institutions.")
    if survivor.merged_into_id is not None or merged.merged_into_id is not None:
        raise MergeRefusedError("One of the two was merged before.")
    if merged.id == actor.person_id:
        raise MergeRefusedError("You cannot merge yourself into another; let another administrator do it.")


async def _merge_particulars(session: Session, survivor: Person, merged: Person) -> Sequence[str]:
    """Give the survivor what only the merged person has; returns what both have and is not the same."""
    theirs = await session.get(PersonParticulars, merged.id)
    if theirs is None:
        return ()
    ours = await session.get(PersonParticulars, survivor.id)
    if ours is None:
        ours = PersonParticulars(person_id=survivor.id)
        session.add(ours)
    differing = []
    for name in PARTICULARS:
        value = getattr(theirs, name)
        if value is not None and getattr(ours, name) is None:
            setattr(ours, name, value)
        elif value is not None and getattr(ours, name) != value:
            differing.append(name)
    await session.flush()
    return differing


async def _take_requests(
    session: Session, actor: Actor, survivor: Person, merged: Person
) -> Sequence[tuple[RectificationRequest, dict[str, str | None]]]:
    """Empty the merged person's requests for corrections, whose texts then go under the key of the survivor.

    Raises MergeRefusedError for an administrator's own: nobody writes in requests about their own record.
    """
    wanted = select(RectificationRequest).where(RectificationRequest.person_id == merged.id)
    requests = (await session.scalars(wanted)).all()
    if requests and survivor.id == actor.person_id:
        raise MergeRefusedError("There are requests for corrections about you; let another administrator do it.")
    taken = [(each, {"wanted": each.wanted, "reason": each.reason, "answer": each.answer}) for each in requests]
    for each in requests:
        each.wanted = each.reason = each.answer = None
    await session.flush()
    return taken


def _refused(error: IntegrityError) -> MergeRefusedError:
    table = error.orig.diag.table_name if isinstance(error.orig, psycopg.errors.UniqueViolation) else None
    if table is None:
        raise error
    thing = table.replace("_", " ")
    message = f"Both have a {thing}. Please settle which of them counts first."
    return MergeRefusedError(message, errors=[FieldError(table, message)])
