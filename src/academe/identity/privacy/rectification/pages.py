"""Pages of rectification: what one asks for, and the queue of those who decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.privacy.rectification.access import request_to_decide, requests_to_decide
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.queries import NEWEST_FIRST, ShownRequest, requests, shown
from academe.identity.privacy.rectification.service import (
    KEEPERS_ONLY,
    LONGEST,
    ask_rectification,
    decide_rectification,
    withdraw_rectification,
)
from academe.identity.privacy.rectification.types import LABELS, RectificationStatus, RectifiedField
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import ConflictError, InvalidInputError, PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

OWN: Final = "/account/corrections"
QUEUE: Final = "/corrections"

router = page_router()


def _keeps_records(actor: Actor) -> bool:
    return bool(policy.institutions_to_register(actor))


NAVIGATION: Final = (NavigationEntry("Corrections", QUEUE, "edit", visible=_keeps_records, section="Institution"),)

_COLUMNS: Final = (
    Column("created", "Asked"),
    Column("person", "Who"),
    Column("field", "What", hide_below="sm"),
    Column("status", "State"),
)
_STATUSES: Final = (("", "Every one"), *((each.value, each.value.capitalize()) for each in RectificationStatus))


class RequestForm(BaseModel):
    """What is wrong, what it should say, and why."""

    field: RectifiedField
    wanted: str = Field(max_length=LONGEST)
    reason: str = Field(max_length=LONGEST)


class DecisionForm(BaseModel):
    """What is decided, and what the person is told."""

    decision: str = ""
    answer: str = Field("", max_length=LONGEST)


@dataclass(frozen=True, slots=True)
class OwnRequestsPage:
    """What one has asked for, and the form that asks for more."""

    requests: Sequence[ShownRequest]
    form: FormView
    fields: Sequence[tuple[str, str]] = field(default_factory=lambda: [(each.value, LABELS[each]) for each in LABELS])


@dataclass(frozen=True, slots=True)
class QueuePage:
    """What was asked for in the institution."""

    table: TableView[ShownRequest]
    status: str
    statuses: Sequence[tuple[str, str]] = _STATUSES


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """One request, and the form that decides it."""

    request: ShownRequest
    form: FormView
    may_decide: bool


@router.get(OWN)
async def show_own_requests(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What one has asked to be corrected, and what became of it."""
    return await _own_page(request, session, actor, FormView())


@router.post(OWN)
async def take_request(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Ask that one's record be corrected."""
    parsed = parse_form(RequestForm, await request.form())
    if parsed.data is None:
        return await _own_page(request, session, actor, parsed.view, status=422)
    try:
        await ask_rectification(session, actor=actor, **parsed.data.model_dump())
    except (InvalidInputError, ConflictError) as error:
        view = _with(parsed.view, error)
        return await _own_page(request, session, actor, view, status=error.status)
    return redirect(request, OWN, "Your request was sent. You are told when it is decided.")


@router.post(OWN + "/{request_id}/withdraw")
async def take_withdrawal(request: Request, request_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Take a request back."""
    await withdraw_rectification(session, actor=actor, request_id=request_id)
    return redirect(request, OWN, "The request was withdrawn.")


@router.get(QUEUE)
async def list_requests(
    request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging, status: str = "asked"
) -> Response:
    """What was asked for in the institutions whose records the reader keeps; at first what waits."""
    policy.require(_keeps_records(actor), actor, KEEPERS_ONLY)
    chosen = RectificationStatus(status) if status in set(RectificationStatus) else None
    found = await fetch_page(session, requests_to_decide(actor, chosen), NEWEST_FIRST, paging, shown)
    table = TableView(
        "requests",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    return render(request, "identity/privacy/corrections.html", QueuePage(table, chosen or ""), block="requests")


@router.get(QUEUE + "/{request_id}")
async def show_request(request: Request, request_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """One request; reading it leaves an entry."""
    return await _decision_page(request, session, actor, request_id, FormView())


@router.post(QUEUE + "/{request_id}")
async def take_decision(request: Request, request_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Accept or decline a request."""
    parsed = parse_form(DecisionForm, await request.form())
    if parsed.data is None:
        return await _decision_page(request, session, actor, request_id, parsed.view, status=422)
    accept = parsed.data.decision == "accept"
    try:
        async with session.begin_nested():
            decided = await decide_rectification(
                session, actor=actor, request_id=request_id, accept=accept, answer=parsed.data.answer
            )
    except InvalidInputError as error:
        view = _with(parsed.view, error)
        return await _decision_page(request, session, actor, request_id, view, status=error.status)
    return redirect(request, QUEUE, f"The correction was {decided.status.value}, and the person is told.")


async def _own_page(
    request: Request, session: Session | ReadSession, actor: Actor, form: FormView, *, status: int = 200
) -> Response:
    if actor.person_id is None:
        raise PermissionDeniedError("Only people have a record.")
    mine = requests().where(RectificationRequest.person_id == actor.person_id)
    newest = mine.order_by(RectificationRequest.created_at.desc(), RectificationRequest.id.desc()).limit(200)
    page = OwnRequestsPage([shown(row) for row in await session.execute(newest)], form)
    return render(request, "identity/privacy/own_corrections.html", page, status=status)


async def _decision_page(
    request: Request, session: Session, actor: Actor, request_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    asked = await request_to_decide(session, actor=actor, request_id=request_id)
    page = DecisionPage(asked, form, asked.is_open and asked.person_id != actor.person_id)
    return render(request, "identity/privacy/correction.html", page, status=status)


def _with(view: FormView, error: InvalidInputError | ConflictError) -> FormView:
    if error.errors:
        return view.with_errors(error.errors)
    return FormView(view.values, general_errors=[error.message])
