"""JSON of what the store does and of what was stated."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query
from pydantic import AwareDatetime
from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.statements.queries import Filter
from academe.lrs.watching.access import (
    SenderRates,
    attachment_for,
    figures_for,
    statement_for,
    statements_for,
    usage_for,
)
from academe.lrs.watching.downloads import download
from academe.lrs.watching.filters import IRI_PATTERN, KEY_PATTERN, LONGEST, Wanted, agent_key
from academe.lrs.watching.schemas import (
    AttachmentOut,
    FiguresOut,
    FollowerOut,
    MinuteOut,
    MonthOut,
    ReferringOut,
    SenderRatesOut,
    SpoolOut,
    StatementDetailOut,
    StatementOut,
    UsageOut,
)
from academe.lrs.watching.shown import ShownStatement
from academe.platform.http.dependencies import SignedIn, database_of
from academe.platform.http.pagination import Page, Paging
from academe.platform.http.routing import api_router

router = api_router("/lrs", tag="learning records")


_Key = Annotated[
    str | None,
    Query(
        max_length=LONGEST,
        pattern=KEY_PATTERN,
        description="Key of the actor: `mbox:`, `sha1:` or `openid:` with the value, or `account:<home page>|<name>`.",
    ),
]
_Iri = Annotated[str | None, Query(max_length=LONGEST, pattern=IRI_PATTERN, description="An IRI.")]


async def wanted_statements(
    agent: _Key = None,
    verb: _Iri = None,
    activity: _Iri = None,
    registration: Annotated[UUID | None, Query()] = None,
    since: Annotated[AwareDatetime | None, Query(description="Stored after this time.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Stored at this time or before.")] = None,
    related: Annotated[bool, Query(description="The actor or activity may stand anywhere in the statement.")] = False,
    sender: Annotated[UUID | None, Query(description="Id of a sender.")] = None,
) -> Wanted:
    """The filter of the query string."""
    given = {
        "agent": agent,
        "verb": verb,
        "activity": activity,
        "registration": registration,
        "since": since,
        "until": until,
        "related": related or None,
        "sender": sender,
    }
    wanted = Filter(
        agent=None if agent is None else agent_key(agent),
        related_agents=related,
        verb=verb,
        activity=activity,
        related_activities=related,
        registration=registration,
        since=since,
        until=until,
    )
    return Wanted(wanted, sender, {name: str(value) for name, value in given.items() if value is not None})


@router.get("/figures")
async def show_figures(request: Request, actor: SignedIn) -> FiguresOut:
    """What the senders of the caller's institutions do, what the store keeps and who follows it."""
    figures = await figures_for(database_of(request), actor)
    return FiguresOut(
        at=figures.now,
        senders=[_rates(each) for each in figures.senders],
        minutes=[MinuteOut.model_validate(each, from_attributes=True) for each in figures.minutes],
        months=[MonthOut.model_validate(each, from_attributes=True) for each in figures.months],
        followers=[
            FollowerOut(name=each.name, position=each.position, behind_seconds=each.behind_seconds(figures.now))
            for each in figures.followers
        ],
        spool=SpoolOut.model_validate(figures.spool, from_attributes=True),
        set_aside=figures.set_aside,
        elsewhere=figures.elsewhere,
    )


@router.get("/usage")
async def show_usage(request: Request, actor: SignedIn) -> UsageOut:
    """The verbs and activities that the newest 20,000 statements use most, those of the caller's institutions."""
    return UsageOut.model_validate(await usage_for(database_of(request), actor), from_attributes=True)


@router.get("/statements")
async def list_statements(
    request: Request, actor: SignedIn, paging: Paging, wanted: Annotated[Wanted, Depends(wanted_statements)]
) -> Page[StatementOut]:
    """The statements of the caller's institutions, the newest first. Looking leaves an entry in the audit."""
    found = await statements_for(database_of(request), actor, wanted, paging)
    return Page[StatementOut](
        items=[_statement(each) for each in found.items],
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )


@router.get("/statements/{statement_id}")
async def show_statement(request: Request, statement_id: UUID, actor: SignedIn) -> StatementDetailOut:
    """One statement, voided ones too. Looking leaves an entry in the audit."""
    one = await statement_for(database_of(request), actor, statement_id)
    return StatementDetailOut(
        **_statement(one.shown).model_dump(),
        version=one.version,
        voided_at=one.voided_at,
        attachments=[AttachmentOut.model_validate(each, from_attributes=True) for each in one.attachments],
        referring=[ReferringOut.model_validate(each, from_attributes=True) for each in one.referring],
    )


@router.get(
    "/statements/{statement_id}/attachments/{sha2}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The content, as bytes of no type"}},
)
async def download_attachment(
    request: Request,
    statement_id: UUID,
    sha2: Annotated[str, Path(pattern="^[0-9a-fA-F]{56,128}$", description="The hash, as the statement has it.")],
    actor: SignedIn,
) -> Response:
    """The content of an attachment. Downloading leaves an entry in the audit."""
    return download(*await attachment_for(database_of(request), actor, statement_id, sha2))


def _rates(each: SenderRates) -> SenderRatesOut:
    rates = each.rates
    return SenderRatesOut(
        id=each.id,
        name=each.name,
        statements_minute=rates.minute,
        statements_hour=rates.hour,
        statements_day=rates.day,
        requests_day=rates.requests,
        refused_day=rates.refused,
        failed_day=rates.failed,
    )


def _statement(one: ShownStatement) -> StatementOut:
    return StatementOut(id=one.id, stored=one.stored, sender=one.sender, statement=one.statement)
