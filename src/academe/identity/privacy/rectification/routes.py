"""JSON of rectification."""

from uuid import UUID

from academe.identity import policy
from academe.identity.privacy.rectification.access import request_to_decide, requests_to_decide
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.privacy.rectification.queries import NEWEST_FIRST, requests, shown
from academe.identity.privacy.rectification.schemas import DecisionIn, RectificationIn, RectificationOut
from academe.identity.privacy.rectification.service import (
    KEEPERS_ONLY,
    ask_rectification,
    decide_rectification,
    withdraw_rectification,
)
from academe.identity.privacy.rectification.types import RectificationStatus
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("", tag="privacy")


@router.get("/me/rectifications")
async def list_own_rectifications(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[RectificationOut]:
    """The corrections that the caller has asked for, newest first."""
    mine = requests().where(RectificationRequest.person_id == actor.person_id)
    return await fetch_page(session, mine, NEWEST_FIRST, paging, lambda row: _out(shown(row)))


@router.post("/people/{person_id}/rectifications", status_code=201)
async def add_rectification(
    person_id: UUID, body: RectificationIn, actor: SignedIn, session: WriteSession
) -> RectificationOut:
    """Ask that one's record be corrected; nobody asks for somebody else."""
    if person_id != actor.person_id:
        raise PermissionDeniedError("People ask for corrections of their own record.")
    return _out(await ask_rectification(session, actor=actor, **body.model_dump()))


@router.post("/me/rectifications/{request_id}/withdraw")
async def end_rectification(request_id: UUID, actor: SignedIn, session: WriteSession) -> RectificationOut:
    """Take a request back."""
    return _out(await withdraw_rectification(session, actor=actor, request_id=request_id))


@router.get("/rectifications")
async def list_rectifications(
    actor: SignedIn, session: ReadOnlySession, paging: Paging, status: RectificationStatus | None = None
) -> Page[RectificationOut]:
    """The corrections asked for in the institutions whose records the caller keeps, newest first."""
    policy.require(bool(policy.institutions_to_register(actor)), actor, KEEPERS_ONLY)
    return await fetch_page(
        session, requests_to_decide(actor, status), NEWEST_FIRST, paging, lambda row: _out(shown(row))
    )


@router.get("/rectifications/{request_id}")
async def read_rectification(request_id: UUID, actor: SignedIn, session: WriteSession) -> RectificationOut:
    """One request; reading it leaves an entry."""
    return _out(await request_to_decide(session, actor=actor, request_id=request_id))


@router.post("/rectifications/{request_id}/decision")
async def add_decision(request_id: UUID, body: DecisionIn, actor: SignedIn, session: WriteSession) -> RectificationOut:
    """Accept a request, or decline it with an answer."""
    decided = await decide_rectification(
        session, actor=actor, request_id=request_id, accept=body.accept, answer=body.answer
    )
    return _out(decided)


def _out(request: object) -> RectificationOut:
    return RectificationOut.model_validate(request, from_attributes=True)
