"""What people are told of facts that lie below messaging; wired in `worker.py`."""

from typing import Final

from academe.identity.api import consenting_to_text, holders_at
from academe.identity.facts import (
    ConsentAskedAgain,
    GuardianLinked,
    RecordOpened,
    RectificationAsked,
    RectificationDecided,
    RestrictionChanged,
    SignInChange,
    SignInChanged,
)
from academe.identity.types import Role
from academe.lrs.facts import ForwardPaused
from academe.messaging.notifications.service import Notice, notify
from academe.messaging.types import NotificationKind
from academe.platform.actor import system_actor
from academe.platform.database.session import Session

ACTOR: Final = system_actor("tell people how they sign in")
RECORDS: Final = system_actor("tell people who sees their record")
OPERATING: Final = system_actor("tell who looks after forwards")
SECURITY_PAGE: Final = "/account/security"

_TITLES: Final = {
    SignInChange.APP_ADDED: "An authenticator app was added to your account",
    SignInChange.APP_REMOVED: "The authenticator app of your account was removed",
    SignInChange.CODES_MADE: "New recovery codes were made for your account",
    SignInChange.CODE_USED: "Somebody signed in to your account with a recovery code",
    SignInChange.PASSKEY_ADDED: "A passkey was added to your account",
    SignInChange.PASSKEY_REMOVED: "A passkey of your account was removed",
    SignInChange.FACTORS_REMOVED: "The second factors of your account were removed",
    SignInChange.PROVIDER_CONNECTED: "A sign-in provider now opens your account",
    SignInChange.PROVIDER_DISCONNECTED: "A sign-in provider opens your account no more",
    SignInChange.PASSWORD_CHANGED: "The password of your account was changed",
    SignInChange.PASSWORD_RESET: "The password of your account was set anew by a link that came by e-mail",
}
_NOT_YOU: Final = "If that was not you, change your password and tell an administrator of your institution."
_BY_OTHER: Final = "An administrator did this. If you did not ask for it, tell your institution at once."


async def tell_sign_in_changed(session: Session, fact: SignInChanged) -> None:
    """Tell somebody that the way they sign in was changed, by e-mail too: whoever did not do it must hear of it."""
    body = _BY_OTHER if fact.by_other else _NOT_YOU
    notice = Notice(NotificationKind.SYSTEM, _TITLES[fact.change], body, SECURITY_PAGE, is_essential=True)
    await notify(session, actor=ACTOR, notice=notice, receivers=[fact.person_id])


async def tell_guardian_linked(session: Session, fact: GuardianLinked) -> None:
    """Tell a student of a new guardian, and ask an adult one what the guardian may see."""
    body = "They see nothing of your record until you say what." if fact.needs_consent else ""
    notice = Notice(
        NotificationKind.SYSTEM, "Your institution has added a guardian for you", body, "/account/guardians"
    )
    await notify(session, actor=RECORDS, notice=notice, receivers=[fact.student_id])


async def tell_record_opened(session: Session, fact: RecordOpened) -> None:
    """Tell the auditors that a record was opened in an emergency; administrators where there is no auditor."""
    receivers = (await session.scalars(holders_at(fact.institution_id, Role.AUDITOR))).all()
    if not receivers:
        receivers = (await session.scalars(holders_at(fact.institution_id, Role.ADMINISTRATOR))).all()
    title = "A record was opened in an emergency"
    link = f"/emergency-access/{fact.opening_id}"
    body = "Please read why, and review it when it is over."
    notice = Notice(NotificationKind.SYSTEM, title, body, link, is_essential=True)
    await notify(session, actor=RECORDS, notice=notice, receivers=receivers)


async def tell_rectification_asked(session: Session, fact: RectificationAsked) -> None:
    """Tell the registrars that somebody asks for a correction; administrators where there is no registrar."""
    receivers = (await session.scalars(holders_at(fact.institution_id, Role.REGISTRAR))).all()
    if not receivers:
        receivers = (await session.scalars(holders_at(fact.institution_id, Role.ADMINISTRATOR))).all()
    link = f"/corrections/{fact.request_id}"
    notice = Notice(NotificationKind.SYSTEM, "Somebody asks for a correction of their record", "", link)
    await notify(session, actor=RECORDS, notice=notice, receivers=receivers)


async def tell_rectification_decided(session: Session, fact: RectificationDecided) -> None:
    """Tell a person whether their record was corrected; they are owed the answer (GDPR, article 12)."""
    title = "Your record was corrected" if fact.accepted else "A correction of your record was declined"
    body = "" if fact.accepted else "The reason is on the page of your requests."
    notice = Notice(NotificationKind.SYSTEM, title, body, "/account/corrections", is_essential=True)
    await notify(session, actor=RECORDS, notice=notice, receivers=[fact.person_id])


async def tell_restriction_changed(session: Session, fact: RestrictionChanged) -> None:
    """Tell a person that their data are not used, or are again (GDPR, article 18 (3))."""
    title = "Your data are kept and not used" if fact.restricted else "Your data may be used again"
    notice = Notice(NotificationKind.SYSTEM, title, "", "/account/privacy", is_essential=True)
    await notify(session, actor=RECORDS, notice=notice, receivers=[fact.person_id])


async def tell_consent_asked_again(session: Session, fact: ConsentAskedAgain) -> None:
    """Ask whoever consented to the text before to decide about the new one."""
    receivers = (await session.scalars(consenting_to_text(fact.before_id))).all()
    title = "Please decide again: a consent you gave has a new text"
    body = "Until you do, you do not consent."
    notice = Notice(NotificationKind.SYSTEM, title, body, "/account/consents", dedup_key=f"consent:{fact.text_id}")
    await notify(session, actor=RECORDS, notice=notice, receivers=receivers)


async def tell_forward_paused(session: Session, fact: ForwardPaused) -> None:
    """Tell those who look after the forwards of an institution that one sends nothing until they resume it.

    Forwards of no institution are in the log and in the health of whoever runs the installation.
    """
    if fact.institution_id is None:
        return
    receivers = await session.scalars(holders_at(fact.institution_id, Role.ADMINISTRATOR, Role.OPERATOR))
    title = f"Forwarding to {fact.name} has paused"[:200]
    notice = Notice(NotificationKind.SYSTEM, title, fact.why, f"/lrs/forwards/{fact.forward_id}")
    await notify(session, actor=OPERATING, notice=notice, receivers=receivers.all())
