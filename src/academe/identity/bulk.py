"""Many people at once, and the nodes of the organisation tree they belong to, as imports bring them."""

from typing import Final
from uuid import UUID

import polars as pl
from sqlalchemy import select, text

from academe.identity import policy
from academe.identity.models import OrgUnit
from academe.identity.service import create_institution, create_org_unit
from academe.identity.types import OrgUnitKind
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded, stage, with_ids
from academe.platform.errors import ConflictError

_PEOPLE: Final = {"id": "uuid", "sourced_id": "text", "display_name": "text"}

# Whoever is known already is left alone: the institution may have given them another name since.
_LOAD_PEOPLE: Final = text(
    """
    WITH new AS (
        INSERT INTO person (id, institution_id, sourced_id, display_name)
        SELECT id, :institution, sourced_id, display_name FROM staged_person ORDER BY id
        ON CONFLICT (institution_id, sourced_id) DO NOTHING
        RETURNING id
    )
    SELECT count(*) FROM new
    """
)


async def ensure_institution(
    session: Session, *, actor: Actor, code: str, name: str, data_attribution: str | None = None
) -> UUID:
    """The institution with this code; it is made, under this name, when there is none.

    Raises `ConflictError` when several have the code.
    """
    found = (await session.scalars(select(OrgUnit.id).where(OrgUnit.parent_id.is_(None), OrgUnit.code == code))).all()
    if len(found) > 1:
        raise ConflictError(f"Several institutions have the code {code}.")
    if found:
        return found[0]
    made = await create_institution(session, actor=actor, code=code, name=name, data_attribution=data_attribution)
    return made.id


async def ensure_org_unit(
    session: Session, *, actor: Actor, institution_id: UUID, kind: OrgUnitKind, code: str, name: str
) -> UUID:
    """The node with this code, wherever it stands in the institution's tree; made below the root when there is none."""
    query = select(OrgUnit.id).where(OrgUnit.institution_id == institution_id, OrgUnit.code == code)
    found = (await session.scalars(query)).one_or_none()
    if found is not None:
        return found
    node = await create_org_unit(session, actor=actor, parent_id=institution_id, kind=kind, code=code, name=name)
    return node.id


async def load_people(session: Session, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Make the people that the institution does not know yet; others stay as they are.

    Columns of `rows`: `sourced_id`, `display_name` (1 to 200 characters), one row for each person.
    """
    permitted = policy.can_register_people(actor, institution_id)
    policy.require(permitted, actor, "Only registrars and administrators may add people.")
    await stage(session, "staged_person", _PEOPLE, with_ids(rows))
    inserted: int = (await session.execute(_LOAD_PEOPLE, {"institution": institution_id})).scalar_one()
    if inserted:
        record(
            session,
            actor=actor,
            action="people.loaded",
            subject=Subject("org_unit", institution_id, institution_id),
            summary=f"{inserted:,} people added",
            changes={"inserted": inserted},
        )
    return Loaded(rows.height, inserted)
