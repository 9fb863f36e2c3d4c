"""The page on which administrators see and change how long statements are kept."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.lrs.privacy import policy
from academe.lrs.privacy.keeping import LONGEST_KIND, MOST_MONTHS, Retention, change_rule, retention_for
from academe.lrs.privacy.retention import OTHERS
from academe.platform.actor import Actor
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

router = page_router("/lrs/retention")

NAVIGATION: Final = (
    NavigationEntry(
        "Retention", "/lrs/retention", "calendar", visible=policy.can_see_retention, section="Learning records"
    ),
)
MEBIBYTE: Final = 2**20


class RuleForm(BaseModel):
    """A rule; without months, the kind has none and is kept for ever."""

    kind: str = Field(min_length=1, max_length=LONGEST_KIND)
    months: int | None = Field(None, ge=1, le=MOST_MONTHS)


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """The rules, what is over, what was deleted, and the form for a rule."""

    retention: Retention
    form: FormView
    others: str
    told: str = policy.RETENTION_OF_OTHERS

    @property
    def statements(self) -> int:
        """How many statements are over."""
        return sum(sum(each.expired.statements.values()) for each in self.retention.over)

    @property
    def mebibytes(self) -> float:
        """How much they take, estimated."""
        return sum(each.bytes_freed for each in self.retention.over) / MEBIBYTE


@router.get("")
async def show_retention(request: Request, actor: SignedIn) -> Response:
    """How long statements are kept, and what the coming night deletes."""
    return await _page(request, actor, FormView({}))


@router.post("")
async def change(request: Request, actor: SignedIn) -> Response:
    """Set or lift a rule."""
    parsed = parse_form(RuleForm, await request.form())
    if parsed.data is None:
        return await _page(request, actor, parsed.view, 422)
    form = parsed.data
    try:
        kind = await change_rule(database_of(request), actor, kind=form.kind, months_kept=form.months)
    except InvalidInputError as error:
        return await _page(request, actor, parsed.view.with_errors(error.errors), error.status)
    name = "All other statements" if kind == OTHERS else f"Statements of kind {kind}"
    kept = "for ever" if form.months is None else f"for {form.months} months"
    return redirect(request, "/lrs/retention", f"{name} are kept {kept}.")


async def _page(request: Request, actor: Actor, form: FormView, status: int = 200) -> Response:
    page = RetentionPage(await retention_for(database_of(request), actor), form, OTHERS)
    return render(request, "lrs/retention.html", page, status=status)
