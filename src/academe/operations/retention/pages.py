"""The page on which administrators see and say how long each class of records is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity.api import institutions_to_administer, require
from academe.operations.retention.classes import CLASSES, FIXED, FixedClass
from academe.operations.retention.service import ADMINISTRATORS_ONLY, KeptClass, keep_class, kept_classes
from academe.platform.actor import Actor, system_actor
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import SignedIn, WriteSession, database_of
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

PAGE: Final = "/settings/retention"

router = page_router(PAGE)


def _administers(actor: Actor) -> bool:
    return bool(institutions_to_administer(actor))


NAVIGATION: Final = (NavigationEntry("Retention", PAGE, "archive", visible=_administers, section="Institution"),)


class RuleForm(BaseModel):
    """A rule; without days the class is kept for good."""

    record_class: str = Field(max_length=60)
    days: int | None = None


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """Every class with its rule and what would go, those without rules, and the form for a rule."""

    kept: Sequence[KeptClass]
    form: FormView
    fixed: Sequence[FixedClass] = FIXED

    @property
    def options(self) -> Sequence[tuple[str, str]]:
        """The classes to choose from."""
        return [(each.key, each.title) for each in CLASSES]


@router.get("")
async def show_retention_rules(request: Request, actor: SignedIn) -> Response:
    """How long records are kept, and what the coming night lets go."""
    return await _page(request, actor, FormView())


@router.post("")
async def take_retention_rule(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Set a rule, or take it away."""
    institutions = institutions_to_administer(actor)
    require(bool(institutions), actor, ADMINISTRATORS_ONLY)
    parsed = parse_form(RuleForm, await request.form())
    if parsed.data is None:
        return await _page(request, actor, parsed.view, status=422)
    try:
        await keep_class(session, actor=actor, institution_id=institutions[0], **parsed.data.model_dump())
    except InvalidInputError as error:
        return await _page(request, actor, parsed.view.with_errors(error.errors), status=error.status)
    return redirect(request, PAGE, "The rule was saved; the coming night goes by it.")


async def _page(request: Request, actor: Actor, form: FormView, *, status: int = 200) -> Response:
    institutions = institutions_to_administer(actor)
    require(bool(institutions), actor, ADMINISTRATORS_ONLY)
    # What would go is counted by Academe itself: an administrator sees no letters and no notifications of others.
    async with database_of(request).reading(system_actor("preview of retention")) as session:
        page = RetentionPage(await kept_classes(session, institutions[0]), form)
    return render(request, "operations/retention.html", page, status=status)
