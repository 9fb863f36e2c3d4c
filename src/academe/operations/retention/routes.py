"""JSON of retention."""

from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field
from starlette.requests import Request

from academe.identity.api import can_manage_accounts, require
from academe.operations.retention.service import (
    ADMINISTRATORS_ONLY,
    LONGEST_DAYS,
    KeptClass,
    keep_class,
    kept_classes,
)
from academe.platform.actor import system_actor
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import api_router

router = api_router("/institutions/{institution_id}/retention", tag="privacy")


class RetentionIn(BaseModel):
    """How many days a class is kept; for good without."""

    days: int | None = Field(None, ge=1, le=LONGEST_DAYS)


class RetentionOut(BaseModel):
    """A class of records with its rule, and how many rows the coming night would let go."""

    key: str
    title: str
    what: str
    shortest_days: int
    days: int | None
    over: int

    @classmethod
    def of(cls, kept: KeptClass) -> "RetentionOut":
        """Made of what the service says."""
        records = kept.records
        return cls(
            key=records.key,
            title=records.title,
            what=records.what,
            shortest_days=records.shortest_days,
            days=kept.days,
            over=kept.over,
        )


@router.get("")
async def list_retention(request: Request, institution_id: UUID, actor: SignedIn) -> list[RetentionOut]:
    """Every class of records, how long it is kept, and what would go."""
    require(can_manage_accounts(actor, institution_id), actor, ADMINISTRATORS_ONLY)
    async with database_of(request).reading(system_actor("preview of retention")) as session:
        return [RetentionOut.of(each) for each in await kept_classes(session, institution_id)]


@router.put("/{record_class}", status_code=204)
async def put_retention(
    institution_id: UUID,
    record_class: Annotated[str, Path(max_length=60)],
    body: RetentionIn,
    actor: SignedIn,
    session: WriteSession,
) -> None:
    """Keep a class of records for some days, or for good."""
    await keep_class(session, actor=actor, institution_id=institution_id, record_class=record_class, days=body.days)
