"""The page on which administrators erase an agent."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.privacy import policy
from academe.lrs.privacy.errors import AgentSendsError, NoAgentError
from academe.lrs.privacy.service import erase_agent
from academe.lrs.privacy.types import HOME_PAGE, Erasure
from academe.lrs.senders.policy import require
from academe.platform.actor import Actor
from academe.platform.errors import FieldError
from academe.platform.http.dependencies import SignedIn
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, render

router = page_router("/lrs/erasure")

NAVIGATION: Final = (
    NavigationEntry("Erasure", "/lrs/erasure", "ban", visible=policy.can_erase, section="Learning records"),
)

CONFIRMATION: Final = "erase"
"""What is typed to confirm."""


class ErasureForm(BaseModel):
    """Whom, and that it is meant."""

    agent: str = Field(max_length=5_000)
    confirmation: str = ""


@dataclass(frozen=True, slots=True)
class ErasurePage:
    """The form, and what was erased once it was."""

    form: FormView
    confirmation: str
    home_page: str
    erasure: Erasure | None = None


@router.get("")
async def show_form(request: Request, actor: SignedIn) -> Response:
    """Ask whom to erase."""
    return _page(request, actor, FormView({}))


@router.post("")
async def erase(request: Request, actor: SignedIn) -> Response:
    """Erase, when the word that confirms it was typed."""
    parsed = parse_form(ErasureForm, await request.form())
    if parsed.data is None:
        return _page(request, actor, parsed.view, status=422)
    if parsed.data.confirmation.strip().lower() != CONFIRMATION:
        fault = FieldError("confirmation", f"Type {CONFIRMATION} to say that you mean it.")
        return _page(request, actor, parsed.view.with_errors([fault]), status=422)
    try:
        erasure = await erase_agent(request.app.state.database, actor=actor, agent_key_text=parsed.data.agent)
    except (NoAgentError, AgentSendsError) as error:
        faults = error.errors or (FieldError("agent", error.message),)
        return _page(request, actor, parsed.view.with_errors(faults), status=error.status)
    return _page(request, actor, FormView({}), erasure=erasure)


def _page(
    request: Request, actor: Actor, form: FormView, *, status: int = 200, erasure: Erasure | None = None
) -> Response:
    require(policy.can_erase(actor), actor, policy.ADMINISTRATORS_ONLY)
    return render(request, "lrs/erasure.html", ErasurePage(form, CONFIRMATION, HOME_PAGE, erasure), status=status)
