"""JSON of mail: what does not arrive, and what is to be done about it."""

from uuid import UUID

from academe.messaging.mail.keeping import forgive_address, say_arrived, send_again
from academe.messaging.mail.models import MailMessage
from academe.messaging.mail.policy import can_see_receivers, kept_by, require_keeping
from academe.messaging.mail.queries import NEWEST_TROUBLE, ShownTrouble, shown_trouble, trouble
from academe.messaging.mail.schemas import AddressBody, TroubleOut
from academe.messaging.types import MailStatus
from academe.platform.actor import Actor
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/mail", tag="mail")


@router.get("/trouble")
async def list_trouble(
    actor: SignedIn, session: ReadOnlySession, paging: Paging, status: MailStatus | None = None
) -> Page[TroubleOut]:
    """Letters that failed, have no address or are in doubt, newest first."""
    require_keeping(actor)
    wanted = trouble(kept_by(actor, MailMessage), status=status)
    return await fetch_page(session, wanted, NEWEST_TROUBLE, paging, lambda row: _out(actor, shown_trouble(row)))


@router.post("/{mail_id}/send-again", status_code=204)
async def again(mail_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Send a letter again; one in doubt may then arrive twice."""
    await send_again(session, actor=actor, mail_id=mail_id)


@router.post("/{mail_id}/arrived", status_code=204)
async def arrived(mail_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Settle a doubt: it arrived."""
    await say_arrived(session, actor=actor, mail_id=mail_id)


@router.post("/addresses/forgive", status_code=204)
async def forgive(body: AddressBody, actor: SignedIn, session: WriteSession) -> None:
    """Write to an address again."""
    await forgive_address(session, actor=actor, institution_id=body.institution_id, address=body.address)


def _out(actor: Actor, letter: ShownTrouble) -> TroubleOut:
    out = TroubleOut.model_validate(letter, from_attributes=True)
    return out if can_see_receivers(actor, letter.institution_id) else out.model_copy(update={"address": None})
