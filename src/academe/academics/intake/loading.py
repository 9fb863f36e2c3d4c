"""What every verb of the intake does around its one statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import polars as pl
from sqlalchemy import TextClause

from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded, stage, with_ids
from academe.platform.errors import PermissionDeniedError


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of row: what it is called, where it is staged, and the statement.

    `statement` has the parameter `institution` and returns one row: how many were added, how many changed.
    """

    what: str
    table: str
    columns: Mapping[str, str]
    statement: TextClause


async def load(session: Session, kind: Load, *, actor: Actor, institution_id: UUID, rows: pl.DataFrame) -> Loaded:
    """Stage the rows, each with a key for the case that it is new, write them, and say so in the audit."""
    if not actor.is_system:
        raise PermissionDeniedError("Only Academe itself loads records in bulk; let an operator run the import.")
    await stage(session, kind.table, {"id": "uuid"} | dict(kind.columns), with_ids(rows))
    inserted, updated = (await session.execute(kind.statement, {"institution": institution_id})).one()
    if inserted or updated:
        record(
            session,
            actor=actor,
            action=f"{kind.what.replace(' ', '_')}.loaded",
            subject=Subject("org_unit", institution_id, institution_id),
            summary=f"{kind.what.capitalize()}: {inserted:,} added, {updated:,} changed",
            changes={"inserted": inserted, "updated": updated},
        )
    return Loaded(rows.height, inserted, updated)
