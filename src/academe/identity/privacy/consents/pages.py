"""Pages of consents: what one is asked and has decided, and the texts that administrators keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from academe.identity import policy
from academe.identity.privacy.consents.queries import (
    AskedConsent,
    PastDecision,
    PublishedText,
    asked_of,
    decisions_of,
    published_texts,
)
from academe.identity.privacy.consents.service import (
    ADMINISTRATORS_ONLY,
    LONGEST_BODY,
    LONGEST_TITLE,
    decide,
    publish_text,
    retire_text,
)
from academe.platform.actor import Actor
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import InvalidInputError, PermissionDeniedError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.routing import page_router
from academe.platform.pages import FormView, NavigationEntry, parse_form, redirect, render

OWN: Final = "/account/consents"
TEXTS: Final = "/settings/consents"

router = page_router()

NAVIGATION: Final = (
    NavigationEntry("Consents", TEXTS, "checklist", visible=policy.decides_sign_in, section="Institution"),
)


class TextForm(BaseModel):
    """What people are asked."""

    purpose: str = Field(max_length=60)
    title: str = Field(max_length=LONGEST_TITLE)
    body: str = Field(max_length=LONGEST_BODY)


@dataclass(frozen=True, slots=True)
class OwnConsentsPage:
    """What one is asked now, and what one has decided."""

    asked: Sequence[AskedConsent]
    past: Sequence[PastDecision]


@dataclass(frozen=True, slots=True)
class TextsPage:
    """Every version of every text, and the form that publishes the next."""

    texts: Sequence[PublishedText]
    form: FormView


@router.get(OWN)
async def show_own_consents(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What one is asked to consent to, and what one decided."""
    if actor.person_id is None:
        raise PermissionDeniedError("Only people consent.")
    page = OwnConsentsPage(await asked_of(session, actor.person_id), await decisions_of(session, actor.person_id))
    return render(request, "identity/privacy/own_consents.html", page)


@router.post(OWN + "/{text_id}")
async def take_consent_decision(request: Request, text_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Give consent, refuse it, or take it back."""
    is_given = (await request.form()).get("decision") == "give"
    await decide(session, actor=actor, text_id=text_id, is_given=is_given)
    return redirect(request, OWN, "You consent." if is_given else "You do not consent.")


@router.get(TEXTS)
async def list_texts(request: Request, actor: SignedIn, session: ReadOnlySession) -> Response:
    """What people of the institution are asked to consent to."""
    return await _texts_page(request, session, actor, FormView())


@router.post(TEXTS)
async def take_text(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Publish a text, or the next version of one."""
    institutions = policy.institutions_to_administer(actor)
    policy.require(bool(institutions), actor, ADMINISTRATORS_ONLY)
    parsed = parse_form(TextForm, await request.form())
    if parsed.data is None:
        return await _texts_page(request, session, actor, parsed.view, status=422)
    try:
        published = await publish_text(session, actor=actor, institution_id=institutions[0], **parsed.data.model_dump())
    except InvalidInputError as error:
        return await _texts_page(request, session, actor, parsed.view.with_errors(error.errors), status=422)
    return redirect(request, TEXTS, f"Version {published.version} of {published.purpose} is asked for now.")


@router.post(TEXTS + "/{text_id}/retire")
async def take_retirement(request: Request, text_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Ask for a consent no more."""
    retired = await retire_text(session, actor=actor, text_id=text_id)
    return redirect(request, TEXTS, f"Nobody is asked about {retired.purpose} any more.")


async def _texts_page(
    request: Request, session: Session | ReadSession, actor: Actor, form: FormView, *, status: int = 200
) -> Response:
    institutions = policy.institutions_to_administer(actor)
    policy.require(bool(institutions), actor, ADMINISTRATORS_ONLY)
    page = TextsPage(await published_texts(session, institutions), form)
    return render(request, "identity/privacy/consent_texts.html", page, status=status)
