"""Pages of guardians: those whom they look after, and the record of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.academics.children.queries import ChildRecord, child_for, children_of
from academe.identity.api import ShownGuardianship
from academe.identity.types import Role
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record_access
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import NavigationEntry, render

CHILDREN: Final = "/my-children"

router = page_router(CHILDREN)


def _is_guardian(actor: Actor) -> bool:
    return actor.has_role(Role.GUARDIAN)


NAVIGATION: Final = (NavigationEntry("My children", CHILDREN, "users", visible=_is_guardian, section="Studying"),)


@dataclass(frozen=True, slots=True)
class ChildrenPage:
    """Those whom the reader looks after."""

    children: Sequence[ShownGuardianship]


@dataclass(frozen=True, slots=True)
class ChildPage:
    """The record of one of them."""

    record: ChildRecord


@router.get("")
async def show_children(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Those whom the reader looks after."""
    return render(request, "academics/children.html", ChildrenPage(await children_of(session, actor)))


@router.get("/{person_id}")
async def show_child(request: Request, person_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """The record of one of them, as far as it may be seen; leaves an entry in the audit."""
    found = await child_for(session, actor=actor, person_id=person_id)
    institution = next((scope.institution_id for scope in actor.scopes if scope.role == Role.GUARDIAN), None)
    subject = Subject("person", person_id, institution, person_id)
    record_access(session, actor=actor, subject=subject, purpose="looking after a child as a guardian")
    return render(request, "academics/child.html", ChildPage(found))
