"""JSON of roles at nodes."""

from uuid import UUID

from academe.identity.access.grants.queries import BY_START, grant_shown, grants, shown
from academe.identity.access.grants.schemas import EndIn, GrantIn, GrantOut
from academe.identity.errors import RoleGrantNotFoundError
from academe.identity.service import end_role, grant_role
from academe.platform.database.session import Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router, safe_to_repeat

router = api_router("/roles", tag="organisation")


@router.get("")
async def list_grants(
    actor: SignedIn,  # noqa: ARG001 - row-level security says which ones
    session: ReadOnlySession,
    paging: Paging,
    person_id: UUID | None = None,
    org_unit_id: UUID | None = None,
    ended: bool = False,
) -> Page[GrantOut]:
    """The roles that the caller may see: one's own, and those at nodes that one registers, administers or audits."""
    wanted = grants(person_id=person_id, org_unit_id=org_unit_id, ended=ended)
    return await fetch_page(
        session, wanted, BY_START, paging, lambda row: GrantOut.model_validate(shown(row), from_attributes=True)
    )


@router.post("", status_code=201)
@safe_to_repeat
async def add_grant(body: GrantIn, actor: SignedIn, session: WriteSession) -> GrantOut:
    """Give somebody a role at a node; it counts there and below."""
    made = await grant_role(session, actor=actor, **body.model_dump())
    return await _one(session, made.id)


@router.post("/{grant_id}/end")
@safe_to_repeat
async def end_grant(grant_id: UUID, body: EndIn, actor: SignedIn, session: WriteSession) -> GrantOut:
    """Let a role end, at once or on a day."""
    await end_role(session, actor=actor, grant_id=grant_id, last_day=body.last_day)
    return await _one(session, grant_id)


async def _one(session: Session, grant_id: UUID) -> GrantOut:
    found = await grant_shown(session, grant_id)
    if found is None:
        raise RoleGrantNotFoundError
    return GrantOut.model_validate(found, from_attributes=True)
