"""The page on which an institution decides whose sign-in needs a second factor."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.models import OrgUnit
from academe.identity.second_factor.forms import RolesForm
from academe.identity.second_factor.service import set_roles_in_need
from academe.identity.sign_in.queries import holders_without_factor, roles_in_need
from academe.identity.types import SIGNING_IN
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

router = page_router("/settings/sign-in")

NAVIGATION: Final = (
    NavigationEntry("Sign-in", "/settings/sign-in", "shield-lock", visible=policy.decides_sign_in, section="Settings"),
)

ROLES: Final = tuple((role.value, role.value.capitalize(), "") for role in SIGNING_IN)


@dataclass(frozen=True, slots=True)
class SignInRulesPage:
    """The roles that need a second factor, and how many of their holders have none yet."""

    institution: str
    form: FormView
    without: int
    any_role: bool
    roles: tuple[tuple[str, str, str], ...] = ROLES


@router.get("")
async def show_rules(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """Which roles need a second factor."""
    institution_id = _institution(actor)
    needed = await roles_in_need(session, institution_id)
    return await _page(request, session, institution_id, FormView({"roles": [role.value for role in needed]}))


@router.post("")
async def take_rules(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Decide it."""
    institution_id = _institution(actor)
    parsed = parse_form(RolesForm, await request.form())
    if parsed.data is None:
        return await _page(request, session, institution_id, parsed.view, status=422)
    await set_roles_in_need(session, actor=actor, institution_id=institution_id, roles=parsed.data.roles)
    return redirect(request, "/settings/sign-in", "It holds from now on.")


def _institution(actor: Actor) -> UUID:
    permitted = policy.institutions_to_administer(actor)
    policy.require(bool(permitted), actor, "Only administrators may decide how people sign in.")
    return permitted[0]


async def _page(
    request: Request, session: ReadSession | Session, institution_id: UUID, form: FormView, *, status: int = 200
) -> Response:
    institution = await session.get_one(OrgUnit, institution_id)
    needed = await roles_in_need(session, institution_id)
    without = await holders_without_factor(session, institution_id)
    page = SignInRulesPage(institution.name, form, without, bool(needed))
    return render(request, "identity/sign_in_rules.html", page, status=status)
