"""JSON of senders."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.senders.access import institution_to_manage, sender_for, senders_for
from academe.lrs.senders.queries import BY_NAME, ListedSender, listed, listed_of
from academe.lrs.senders.schemas import SenderIn, SenderIssuedOut, SenderOut
from academe.lrs.senders.service import Issued, create_sender, revoke_sender, rotate_secret
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router
from academe.platform.settings import Settings

router = api_router("/lrs/senders", tag="senders")


@router.get("")
async def list_senders(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[SenderOut]:
    """The senders of the institutions that the caller administers or operates, by name."""
    return await fetch_page(session, senders_for(actor), BY_NAME, paging, lambda row: _shown(listed(row)))


@router.post("", status_code=201)
async def add_sender(
    request: Request, response: Response, body: SenderIn, actor: SignedIn, session: WriteSession
) -> SenderIssuedOut:
    """Let a program send; the answer is the only one that tells its secret."""
    settings: Settings = request.app.state.settings
    issued = await create_sender(
        session,
        actor=actor,
        name=body.name,
        home_page=settings.public_url,
        scopes=body.scopes,
        institution_id=institution_to_manage(actor, body.institution_id),
        key=body.key,
        expires_at=body.expires_at,
    )
    return _issued(response, issued)


@router.get("/{sender_id}")
async def show_sender(sender_id: UUID, actor: SignedIn, session: ReadOnlySession) -> SenderOut:
    """One sender."""
    return _shown(await sender_for(session, actor=actor, sender_id=sender_id))


@router.post("/{sender_id}/revoke")
async def revoke(sender_id: UUID, actor: SignedIn, session: WriteSession) -> SenderOut:
    """Let a program send no more, for ever; servers notice within 30 seconds."""
    return _shown(listed_of(await revoke_sender(session, actor=actor, sender_id=sender_id)))


@router.post("/{sender_id}/rotate")
async def rotate(sender_id: UUID, response: Response, actor: SignedIn, session: WriteSession) -> SenderIssuedOut:
    """Give a sender another secret; the one before ends within 30 seconds, and so do its tokens."""
    return _issued(response, await rotate_secret(session, actor=actor, sender_id=sender_id))


def _shown(sender: ListedSender) -> SenderOut:
    return SenderOut.model_validate(sender, from_attributes=True)


def _issued(response: Response, issued: Issued) -> SenderIssuedOut:
    response.headers["Cache-Control"] = "no-store"
    return SenderIssuedOut(**_shown(listed_of(issued.sender)).model_dump(), secret=issued.secret)
