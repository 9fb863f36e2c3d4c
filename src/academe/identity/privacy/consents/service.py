"""Verbs of consents: publish a text, decide about it, ask for it no more. They flush, record, and never commit."""

import re
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from academe.identity import policy
from academe.identity.facts import ConsentAskedAgain
from academe.identity.models import OrgUnit, Person
from academe.identity.privacy.consents.errors import ConsentSupersededError, ConsentTextNotFoundError
from academe.identity.privacy.consents.models import ConsentDecision, ConsentText
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record
from academe.platform.database.session import Session
from academe.platform.errors import FieldError, InvalidInputError, PermissionDeniedError
from academe.platform.outbox.service import announce

LONGEST_TITLE: Final = 200
LONGEST_BODY: Final = 20_000
ADMINISTRATORS_ONLY: Final = "What people are asked to consent to is said by the administrators of the institution."
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")


async def publish_text(
    session: Session, *, actor: Actor, institution_id: UUID, purpose: str, title: str, body: str
) -> ConsentText:
    """Ask everybody of an institution for consent from now on; a purpose that is known gets its next version.

    Whoever consented to the version before is told, and asked again. Raises PermissionDeniedError and
    InvalidInputError (`purpose`, `title`, `body`).
    """
    policy.require(policy.can_manage_accounts(actor, institution_id), actor, ADMINISTRATORS_ONLY)
    purpose, title, body = _checked(purpose, title, body)
    # Two administrators who publish at the same time must not make the same version.
    await session.execute(select(OrgUnit.id).where(OrgUnit.id == institution_id).with_for_update())
    same = (ConsentText.institution_id == institution_id, ConsentText.purpose == purpose)
    last = await session.scalar(select(func.max(ConsentText.version)).where(*same)) or 0
    before = (await session.scalars(select(ConsentText).where(*same, ConsentText.is_current))).one_or_none()
    if before is not None:
        before.is_current = False
        await session.flush()
    published = ConsentText(
        institution_id=institution_id,
        purpose=purpose,
        version=last + 1,
        title=title,
        body=body,
        published_by=actor.person_id,
    )
    session.add(published)
    await session.flush()
    await session.refresh(published)
    _record(session, actor, published, "published", f"Consent text {purpose} published, version {published.version}")
    if before is not None:
        await announce(session, ConsentAskedAgain(published.id, before.id))
    return published


async def retire_text(session: Session, *, actor: Actor, text_id: UUID) -> ConsentText:
    """Ask nobody for this consent any more; nobody consents to its purpose from then on.

    Raises ConsentTextNotFoundError, PermissionDeniedError and ConsentSupersededError.
    """
    retired = await _current_text(session, actor, text_id)
    policy.require(policy.can_manage_accounts(actor, retired.institution_id), actor, ADMINISTRATORS_ONLY)
    retired.is_current = False
    await session.flush()
    _record(session, actor, retired, "retired", f"Consent {retired.purpose} is asked for no more")
    return retired


async def decide(session: Session, *, actor: Actor, text_id: UUID, is_given: bool) -> None:
    """Give consent to a text, refuse it, or take it back: by the person alone, in their own name.

    The same decision again leaves nothing. Raises ConsentTextNotFoundError, ConsentSupersededError, and
    PermissionDeniedError for whoever acts in another's name.
    """
    policy.require(actor.person_id is not None, actor, "Only people consent.")
    if actor.masquerader_id is not None:
        raise PermissionDeniedError("Nobody consents in the name of another.")
    decided = await _current_text(session, actor, text_id)
    own = await session.scalar(select(Person.institution_id).where(Person.id == actor.person_id))
    if own != decided.institution_id:
        raise ConsentTextNotFoundError
    last = (
        select(ConsentDecision.is_given)
        .where(ConsentDecision.person_id == actor.person_id, ConsentDecision.text_id == text_id)
        .order_by(ConsentDecision.decided_at.desc(), ConsentDecision.id.desc())
        .limit(1)
    )
    if await session.scalar(last) is is_given:
        return
    session.add(ConsentDecision(person_id=actor.person_id, text_id=text_id, is_given=is_given))
    await session.flush()
    summary = f"Consent {'given' if is_given else 'not given'}: {decided.purpose}, version {decided.version}"
    subject = Subject("consent_text", decided.id, decided.institution_id, actor.person_id)
    action = "consent.given" if is_given else "consent.refused"
    record(session, actor=actor, action=action, subject=subject, summary=summary)


async def _current_text(session: Session, actor: Actor, text_id: UUID) -> ConsentText:
    policy.require(not actor.is_anonymous, actor, "")
    found = (await session.scalars(select(ConsentText).where(ConsentText.id == text_id))).one_or_none()
    if found is None:
        raise ConsentTextNotFoundError
    if not found.is_current:
        raise ConsentSupersededError("There is a newer version, or it is asked for no more.")
    return found


def _checked(purpose: str, title: str, body: str) -> tuple[str, str, str]:
    purpose, title, body = purpose.strip(), " ".join(title.split()), body.strip()
    faults = []
    if not _PURPOSE.fullmatch(purpose):
        message = "Please give a short name of small letters, digits and underscores, such as photographs."
        faults.append(FieldError("purpose", message))
    if not 1 <= len(title) <= LONGEST_TITLE:
        faults.append(FieldError("title", f"Please give a title of 1 to {LONGEST_TITLE} characters."))
    if not 1 <= len(body) <= LONGEST_BODY:
        faults.append(FieldError("body", f"Please give a text of 1 to {LONGEST_BODY:,} characters."))
    if faults:
        raise InvalidInputError(errors=faults)
    return purpose, title, body


def _record(session: Session, actor: Actor, text: ConsentText, what: str, summary: str) -> None:
    subject = Subject("consent_text", text.id, text.institution_id)
    record(session, actor=actor, action=f"consent_text.{what}", subject=subject, summary=summary)
