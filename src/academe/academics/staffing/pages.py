"""The page of an offering on which somebody is appointed to teach it, and their role ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from academe.academics import policy
from academe.academics.access import offering_for
from academe.academics.offering_head import OfferingHead, head_of
from academe.academics.queries import StaffMember, staff_of
from academe.academics.service import NOT_YOURS, assign_staff, end_staff
from academe.academics.staffing.forms import StaffForm
from academe.academics.types import StaffRole
from academe.identity.api import choices_of
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, parse_form, redirect, render

router = page_router("/offerings/{offering_id}/staff")


@dataclass(frozen=True, slots=True)
class StaffPage:
    """Who teaches an offering, and the form that appoints somebody found by `search`."""

    offering: OfferingHead
    staff: Sequence[StaffMember]
    may_end: Sequence[StaffRole]
    roles: Sequence[tuple[str, str]]
    search: str
    people: Sequence[tuple[str, str, str]]
    form: FormView

    @property
    def href(self) -> str:
        """The address of this page."""
        return f"{self.offering.href}/staff"


@router.get("")
async def show_staff(
    request: Request,
    offering_id: UUID,
    actor: SignedIn,
    session: ReadOnlySession,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Who teaches the offering, for those who appoint."""
    return await _page(request, session, actor, offering_id, q, FormView({"role": StaffRole.TUTOR.value}))


@router.post("")
async def appoint(request: Request, offering_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Appoint somebody."""
    await offering_for(session, actor=actor, offering_id=offering_id)
    submitted = await request.form()
    search = str(submitted.get("q", ""))[:100]
    parsed = parse_form(StaffForm, submitted)
    if parsed.data is None:
        return await _page(request, session, actor, offering_id, search, parsed.view, status=422)
    try:
        await assign_staff(session, actor=actor, offering_id=offering_id, **parsed.data.model_dump())
    except InvalidInputError as error:
        view = parsed.view.with_errors(error.errors)
        return await _page(request, session, actor, offering_id, search, view, status=error.status)
    return redirect(request, f"/offerings/{offering_id}/staff", f"Appointed as {parsed.data.role.value}.")


@router.post("/{staff_id}/end")
async def end(request: Request, offering_id: UUID, staff_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """End somebody's role at once."""
    await offering_for(session, actor=actor, offering_id=offering_id)
    await end_staff(session, actor=actor, offering_id=offering_id, staff_id=staff_id)
    return redirect(request, f"/offerings/{offering_id}/staff", "It has ended.")


async def _page(
    request: Request,
    session: Session | ReadSession,
    actor: Actor,
    offering_id: UUID,
    search: str,
    form: FormView,
    *,
    status: int = 200,
) -> Response:
    offering = await offering_for(session, actor=actor, offering_id=offering_id)
    roles = policy.roles_to_appoint(actor, offering)
    if not roles:
        raise PermissionDeniedError(NOT_YOURS)
    page = StaffPage(
        head_of(offering, actor, tab="staff"),
        await staff_of(session, offering.id, coming=True),
        roles,
        [(role.value, role.value.capitalize()) for role in reversed(roles)],
        search,
        await choices_of(session, actor, search),
        form,
    )
    return render(request, "academics/staff.html", page, status=status)
