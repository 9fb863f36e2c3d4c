"""JSON of access in an emergency."""

from uuid import UUID

from academe.identity import policy
from academe.identity.privacy.emergency.queries import NEWEST_FIRST, openings_to_audit, shown
from academe.identity.privacy.emergency.schemas import AuditedOpeningOut, OpeningIn, OpeningOut, ReviewIn
from academe.identity.privacy.emergency.service import close_opening, open_record, opening_to_audit, review_opening
from academe.identity.privacy.policy import AUDITORS_ONLY, audits
from academe.platform.audit.service import Subject, record_access
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("", tag="privacy")


@router.post("/people/{person_id}/emergency-openings", status_code=201)
async def add_emergency_opening(person_id: UUID, body: OpeningIn, actor: SignedIn, session: WriteSession) -> OpeningOut:
    """Open the record of a person outside one's scope for an hour; auditors are told."""
    opening = await open_record(session, actor=actor, person_id=person_id, reason=body.reason)
    return OpeningOut.model_validate(opening, from_attributes=True)


@router.post("/emergency-openings/{opening_id}/close")
async def close_emergency_opening(opening_id: UUID, actor: SignedIn, session: WriteSession) -> OpeningOut:
    """End an opening before its time."""
    opening = await close_opening(session, actor=actor, opening_id=opening_id)
    return OpeningOut.model_validate(opening, from_attributes=True)


@router.get("/emergency-openings")
async def list_emergency_openings(
    actor: SignedIn, session: ReadOnlySession, paging: Paging, waiting: bool = False
) -> Page[AuditedOpeningOut]:
    """Every opening in the institutions that the caller audits, newest first; with `waiting` the unreviewed ones."""
    policy.require(audits(actor), actor, AUDITORS_ONLY)
    return await fetch_page(
        session,
        openings_to_audit(actor, waiting=waiting),
        NEWEST_FIRST,
        paging,
        lambda row: AuditedOpeningOut.model_validate(shown(row), from_attributes=True),
    )


@router.get("/emergency-openings/{opening_id}")
async def read_emergency_opening(opening_id: UUID, actor: SignedIn, session: WriteSession) -> AuditedOpeningOut:
    """One opening, with its reason and its review."""
    opening = await opening_to_audit(session, actor=actor, opening_id=opening_id)
    record_access(
        session, actor=actor, subject=Subject("emergency_opening", opening.id, None, opening.person_id), purpose="audit"
    )
    return AuditedOpeningOut.model_validate(opening, from_attributes=True)


@router.post("/emergency-openings/{opening_id}/review")
async def review_emergency_opening(
    opening_id: UUID, body: ReviewIn, actor: SignedIn, session: WriteSession
) -> AuditedOpeningOut:
    """Review an opening that is over."""
    await review_opening(session, actor=actor, opening_id=opening_id, note=body.note)
    opening = await opening_to_audit(session, actor=actor, opening_id=opening_id)
    return AuditedOpeningOut.model_validate(opening, from_attributes=True)
