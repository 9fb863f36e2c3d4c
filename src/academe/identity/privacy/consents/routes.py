"""JSON of consents."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity import policy
from academe.identity.privacy.consents.queries import asked_of, published_texts
from academe.identity.privacy.consents.service import (
    ADMINISTRATORS_ONLY,
    LONGEST_BODY,
    LONGEST_TITLE,
    decide,
    publish_text,
    retire_text,
)
from academe.platform.errors import PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import api_router

router = api_router("", tag="privacy")


class DecisionOfConsentIn(BaseModel):
    """Whether one consents."""

    is_given: bool


class AskedConsentOut(BaseModel):
    """What one is asked about now; `is_given` is null until one decided about this version."""

    id: UUID
    purpose: str
    version: int
    title: str
    body: str
    is_given: bool | None
    decided_at: datetime | None


class ConsentTextIn(BaseModel):
    """What people are asked; a known purpose gets its next version."""

    institution_id: UUID
    purpose: str = Field(max_length=60)
    title: str = Field(max_length=LONGEST_TITLE)
    body: str = Field(max_length=LONGEST_BODY)


class ConsentTextOut(BaseModel):
    """A version of a text, with how many consent to it and how many do not."""

    id: UUID
    purpose: str
    version: int
    title: str
    is_current: bool
    published_at: datetime
    consenting: int = 0
    refusing: int = 0


@router.get("/me/consents")
async def list_own_consents(actor: SignedIn, session: ReadOnlySession) -> list[AskedConsentOut]:
    """What the caller is asked to consent to, and what they decided."""
    if actor.person_id is None:
        raise PermissionDeniedError("Only people consent.")
    found = await asked_of(session, actor.person_id)
    return [AskedConsentOut.model_validate(each, from_attributes=True) for each in found]


@router.put("/me/consents/{text_id}", status_code=204)
async def put_consent_decision(
    text_id: UUID, body: DecisionOfConsentIn, actor: SignedIn, session: WriteSession
) -> None:
    """Give consent, refuse it, or take it back."""
    await decide(session, actor=actor, text_id=text_id, is_given=body.is_given)


@router.get("/consent-texts")
async def list_consent_texts(actor: SignedIn, session: ReadOnlySession) -> list[ConsentTextOut]:
    """Every version of every text of the institutions that the caller administers."""
    institutions = policy.institutions_to_administer(actor)
    policy.require(bool(institutions), actor, ADMINISTRATORS_ONLY)
    found = await published_texts(session, institutions)
    return [ConsentTextOut.model_validate(each, from_attributes=True) for each in found]


@router.post("/consent-texts", status_code=201)
async def add_consent_text(body: ConsentTextIn, actor: SignedIn, session: WriteSession) -> ConsentTextOut:
    """Publish a text, or the next version of one."""
    published = await publish_text(session, actor=actor, **body.model_dump())
    return ConsentTextOut.model_validate(published, from_attributes=True)


@router.post("/consent-texts/{text_id}/retire", status_code=204)
async def end_consent_text(text_id: UUID, actor: SignedIn, session: WriteSession) -> None:
    """Ask for this consent no more."""
    await retire_text(session, actor=actor, text_id=text_id)
