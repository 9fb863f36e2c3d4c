"""Pages of message templates: the list, one with its languages and versions, its words, and a preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from academe.identity.api import choices_of, institutions_to_administer
from academe.messaging.errors import TemplateTakenError
from academe.messaging.mail.letters import LETTER_POLICY
from academe.messaging.message_templates import service
from academe.messaging.message_templates.forms import SettingsForm, TemplateForm, WordingForm
from academe.messaging.message_templates.kinds import TemplateKind, kind_called, template_kinds
from academe.messaging.message_templates.models import MessageTemplate
from academe.messaging.message_templates.policy import (
    institution_to_word,
    require_wording,
    worded_by,
    words_messages,
)
from academe.messaging.message_templates.queries import (
    BY_NAME,
    ShownTemplate,
    ShownVersion,
    shown,
    templates,
    versions_of,
    wordings_of,
)
from academe.messaging.message_templates.rendering import Rendered, Wording
from academe.platform.actor import Actor
from academe.platform.errors import InvalidInputError
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Paging, fetch_page
from academe.platform.http.routing import page_router
from academe.platform.pages import Column, FormView, NavigationEntry, TableView, parse_form, redirect, render

LIST: Final = "/message-templates"
router = page_router(LIST)

NAVIGATION: Final = (NavigationEntry("Templates", LIST, "file-text", visible=words_messages, section="Messages"),)

_COLUMNS: Final = (
    Column("name", "Template"),
    Column("state", "State"),
    Column("languages", "Languages", hide_below="sm"),
    Column("version", "Version", align="end", hide_below="md"),
)


@dataclass(frozen=True, slots=True)
class TemplatesPage:
    """The templates of an institution."""

    table: TableView[ShownTemplate]
    kinds: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TemplatePage:
    """One template: its words now, and its versions."""

    template: MessageTemplate
    kind: TemplateKind
    wordings: Mapping[str, Wording]
    versions: Sequence[ShownVersion]
    form: FormView

    @property
    def href(self) -> str:
        """Its page."""
        return f"{LIST}/{self.template.id}"


@dataclass(frozen=True, slots=True)
class WordingPage:
    """The form of a new template, or of the words in one language; `kinds` are those whose variables it shows."""

    form: FormView
    kinds: Sequence[TemplateKind]
    institutions: Sequence[tuple[str, str]] = ()
    name: str = ""
    href: str = ""

    @property
    def choices(self) -> Sequence[tuple[str, str]]:
        """The kinds to choose from."""
        return [(kind.name, kind.words) for kind in self.kinds]


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """The message as a person would read it; before one is chosen, those who were found."""

    template: MessageTemplate
    languages: Sequence[str]
    language: str
    search: str
    people: Sequence[tuple[str, str, str]]
    person_id: str = ""
    name: str = ""
    read_in: str = ""
    said: Rendered | None = None

    @property
    def href(self) -> str:
        """The template's page."""
        return f"{LIST}/{self.template.id}"


@router.get("")
async def list_templates(request: Request, actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Response:
    """The templates by name."""
    require_wording(actor)
    found = await fetch_page(session, templates(worded_by(actor)), BY_NAME, paging, shown)
    table = TableView(
        "templates",
        request.url,
        _COLUMNS,
        found.items,
        next_cursor=found.next_cursor,
        previous_cursor=found.previous_cursor,
    )
    kinds = {kind.name: kind.words for kind in template_kinds()}
    return render(request, "messaging/message_templates.html", TemplatesPage(table, kinds), block="templates")


@router.get("/new")
async def show_new(request: Request, actor: SignedIn) -> Response:
    """The form of a new template."""
    return _new_page(request, actor, FormView({"language": "en"}))


@router.post("/new")
async def make_template(request: Request, actor: SignedIn, session: WriteSession) -> Response:
    """Word a kind of message."""
    require_wording(actor)
    parsed = parse_form(TemplateForm, await request.form())
    form = parsed.data
    if form is None:
        return _new_page(request, actor, parsed.view, status=422)
    try:
        made = await service.make_template(
            session,
            actor=actor,
            institution_id=institution_to_word(actor, form.institution_id),
            kind=form.kind,
            name=form.name,
            language=form.language,
            wording=form.wording(),
        )
    except (InvalidInputError, TemplateTakenError) as error:
        return _new_page(request, actor, parsed.view.with_errors(error.errors), status=error.status)
    return redirect(request, f"{LIST}/{made.id}", "It is used from now on. Look at it with a real person.")


@router.get("/{template_id}")
async def show_template(request: Request, template_id: UUID, actor: SignedIn, session: ReadOnlySession) -> Response:
    """One template: its words in every language, and its versions."""
    template = await service.template_for(session, actor=actor, template_id=template_id)
    page = TemplatePage(
        template,
        _kind(template),
        await wordings_of(session, template_id, template.version),
        await versions_of(session, template_id),
        FormView({"name": template.name, "is_active": str(template.is_active).lower()}),
    )
    return render(request, "messaging/message_template.html", page)


@router.post("/{template_id}")
async def change_template(request: Request, template_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Call it otherwise, use it or not."""
    template = await service.template_for(session, actor=actor, template_id=template_id)
    form = parse_form(SettingsForm, await request.form()).data
    if form is None:
        return redirect(request, f"{LIST}/{template_id}", "A template needs a name.")
    await service.change_template(
        session, actor=actor, template_id=template.id, name=form.name, is_active=form.is_active
    )
    words = "It is used from now on." if form.is_active else "It is not used any more."
    return redirect(request, f"{LIST}/{template_id}", words)


@router.get("/{template_id}/words")
async def show_words(
    request: Request, template_id: UUID, actor: SignedIn, session: ReadOnlySession, language: str = ""
) -> Response:
    """The form of the words in a language; with none given, for another one."""
    template = await service.template_for(session, actor=actor, template_id=template_id)
    wording = (await wordings_of(session, template_id, template.version)).get(language)
    values = {"subject": wording.subject, "text": wording.text, "html": wording.html} if wording else {}
    return _words_page(request, template, FormView({"language": language, **values}))


@router.post("/{template_id}/words")
async def word_template(request: Request, template_id: UUID, actor: SignedIn, session: WriteSession) -> Response:
    """Word it in a language."""
    template = await service.template_for(session, actor=actor, template_id=template_id)
    parsed = parse_form(WordingForm, await request.form())
    form = parsed.data
    if form is None:
        return _words_page(request, template, parsed.view, status=422)
    try:
        await service.word_template(
            session, actor=actor, template_id=template_id, language=form.language, wording=form.wording()
        )
    except InvalidInputError as error:
        return _words_page(request, template, parsed.view.with_errors(error.errors), status=422)
    return redirect(request, f"{LIST}/{template_id}", "The new words are used from now on.")


@router.post("/{template_id}/versions/{version}/restore")
async def restore_version(
    request: Request, template_id: UUID, version: int, actor: SignedIn, session: WriteSession
) -> Response:
    """Use the words of an earlier version again."""
    await service.restore_version(session, actor=actor, template_id=template_id, version=version)
    return redirect(request, f"{LIST}/{template_id}", f"The words of version {version} are used again.")


@router.get("/{template_id}/preview")
async def show_preview(
    request: Request,
    template_id: UUID,
    actor: SignedIn,
    session: WriteSession,
    person_id: UUID | None = None,
    search: str = "",
    language: str = "",
) -> Response:
    """The message as a real person would read it; looking at one leaves an entry in the audit."""
    template = await service.template_for(session, actor=actor, template_id=template_id)
    languages = sorted(await wordings_of(session, template_id, template.version))
    chosen = language if language in languages else ""
    if person_id is None:
        people = await choices_of(session, actor, search)
        page = PreviewPage(template, languages, chosen, search, people)
    else:
        name, read_in, said = await service.preview(
            session, actor=actor, template_id=template_id, person_id=person_id, language=chosen
        )
        page = PreviewPage(template, languages, chosen, search, (), str(person_id), name, read_in, said)
    return render(request, "messaging/message_template_preview.html", page)


@router.get("/{template_id}/preview/html")
async def show_preview_html(
    template_id: UUID, actor: SignedIn, session: WriteSession, person_id: UUID, language: str = ""
) -> Response:
    """The HTML of the message, for its frame: it may load and run nothing."""
    _, _, said = await service.preview(
        session, actor=actor, template_id=template_id, person_id=person_id, language=language
    )
    headers = {"Content-Security-Policy": LETTER_POLICY, "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store"}
    return HTMLResponse(f"<!doctype html><title>Preview</title>{said.html}", headers=headers)


def _kind(template: MessageTemplate) -> TemplateKind:
    kind = kind_called(template.kind)
    if kind is None:
        raise LookupError(f"no message of kind {template.kind} is registered in this process")
    return kind


def _new_page(request: Request, actor: Actor, form: FormView, *, status: int = 200) -> Response:
    require_wording(actor)
    administered = institutions_to_administer(actor)
    several = [(str(each), str(each)) for each in administered] if len(administered) > 1 else []
    page = WordingPage(form, template_kinds(), several)
    return render(request, "messaging/message_template_form.html", page, status=status)


def _words_page(request: Request, template: MessageTemplate, form: FormView, *, status: int = 200) -> Response:
    page = WordingPage(form, [_kind(template)], (), template.name, f"{LIST}/{template.id}")
    return render(request, "messaging/message_template_form.html", page, status=status)
