"""The letter with a link to sign in: written by the worker, for whoever there is to write to."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from academe.identity.facts import SignInLinkAsked
from academe.identity.models import Account, Person
from academe.identity.sign_in.models import SignInLink
from academe.messaging.mail.models import MailMessage
from academe.messaging.types import MailTemplate
from academe.platform import clock
from academe.platform.actor import system_actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.ids import new_id

ACTOR: Final = system_actor("send links to sign in")


async def send_sign_in_link(session: Session, fact: SignInLinkAsked) -> None:
    """Write the letter, unless nobody has the address or the link is over; it waits for no quiet hours.

    The letter keeps the id of the link, not its token: that is made when the letter leaves.
    """
    found = await session.execute(
        select(Account.id, Account.person_id, Person.institution_id)
        .join(SignInLink, SignInLink.account_id == Account.id)
        .join(Person, Person.id == Account.person_id)
        .where(SignInLink.id == fact.link_id, SignInLink.expires_at > clock.now())
    )
    row = found.one_or_none()
    if row is None:
        return
    account_id, person_id, institution_id = row
    key = f"sign-in-link:{fact.link_id}"
    letter = {
        "id": new_id(),
        "person_id": person_id,
        "institution_id": institution_id,
        "template": MailTemplate.SIGN_IN_LINK,
        "idempotency_key": key,
        "token": fact.link_id.hex,
        "content": {"link_id": str(fact.link_id)},
    }
    await session.execute(insert(MailMessage).values(letter).on_conflict_do_nothing())
    subject = Subject("account", account_id, institution_id, person_id)
    record(session, actor=ACTOR, action="account.link_sent", subject=subject, summary="Link to sign in sent by e-mail")
