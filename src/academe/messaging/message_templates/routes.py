"""JSON of message templates."""

from uuid import UUID

from academe.messaging.errors import TemplateNotFoundError
from academe.messaging.message_templates import service
from academe.messaging.message_templates.kinds import template_kinds
from academe.messaging.message_templates.models import MessageTemplate
from academe.messaging.message_templates.policy import institution_to_word, require_wording, worded_by
from academe.messaging.message_templates.queries import BY_NAME, shown, templates, wordings_of
from academe.messaging.message_templates.schemas import (
    PreviewIn,
    PreviewOut,
    TemplateChangeIn,
    TemplateIn,
    TemplateKindOut,
    TemplateOut,
    TemplateVersionOut,
    VariableOut,
    WordingBody,
)
from academe.platform.database.session import ReadSession, Session
from academe.platform.http.dependencies import ReadOnlySession, SignedIn, WriteSession
from academe.platform.http.pagination import Page, Paging, fetch_page
from academe.platform.http.routing import api_router

router = api_router("/message-templates", tag="message templates")


@router.get("")
async def list_message_templates(actor: SignedIn, session: ReadOnlySession, paging: Paging) -> Page[TemplateOut]:
    """The templates of the institutions that the caller administers, by name."""
    require_wording(actor)
    return await fetch_page(
        session,
        templates(worded_by(actor)),
        BY_NAME,
        paging,
        lambda row: TemplateOut.model_validate(shown(row), from_attributes=True),
    )


@router.get("/kinds")
async def list_message_template_kinds(actor: SignedIn) -> list[TemplateKindOut]:
    """What can be worded, with the variables that each may name."""
    require_wording(actor)
    return [
        TemplateKindOut(
            name=kind.name,
            words=kind.words,
            several=kind.several,
            variables=[VariableOut.model_validate(each, from_attributes=True) for each in kind.all_variables],
        )
        for kind in template_kinds()
    ]


@router.post("", status_code=201)
async def make_message_template(body: TemplateIn, actor: SignedIn, session: WriteSession) -> TemplateVersionOut:
    """Word a kind of message, in a first language."""
    made = await service.make_template(
        session,
        actor=actor,
        institution_id=institution_to_word(actor, body.institution_id),
        kind=body.kind,
        name=body.name,
        language=body.language,
        wording=body.wording.wording(),
    )
    return await _version(session, made, made.version)


@router.get("/{template_id}")
async def show_message_template(template_id: UUID, actor: SignedIn, session: ReadOnlySession) -> TemplateVersionOut:
    """The words that are used now."""
    found = await service.template_for(session, actor=actor, template_id=template_id)
    return await _version(session, found, found.version)


@router.put("/{template_id}", status_code=204)
async def change_message_template(
    template_id: UUID, body: TemplateChangeIn, actor: SignedIn, session: WriteSession
) -> None:
    """Call it otherwise, use it or not."""
    await service.change_template(
        session, actor=actor, template_id=template_id, name=body.name, is_active=body.is_active
    )


@router.put("/{template_id}/wordings/{language}")
async def word_message_template(
    template_id: UUID, language: str, body: WordingBody, actor: SignedIn, session: WriteSession
) -> TemplateVersionOut:
    """Word it in a language: a new version, with the other languages as they are."""
    worded = await service.word_template(
        session, actor=actor, template_id=template_id, language=language, wording=body.wording()
    )
    return await _version(session, worded, worded.version)


@router.get("/{template_id}/versions/{version}")
async def show_message_template_version(
    template_id: UUID, version: int, actor: SignedIn, session: ReadOnlySession
) -> TemplateVersionOut:
    """The words of a version."""
    return await _version(session, await service.template_for(session, actor=actor, template_id=template_id), version)


@router.post("/{template_id}/versions/{version}/restore")
async def restore_message_template_version(
    template_id: UUID, version: int, actor: SignedIn, session: WriteSession
) -> TemplateVersionOut:
    """Use the words of an earlier version again, as a new one."""
    restored = await service.restore_version(session, actor=actor, template_id=template_id, version=version)
    return await _version(session, restored, restored.version)


@router.post("/{template_id}/preview")
async def preview_message_template(
    template_id: UUID, body: PreviewIn, actor: SignedIn, session: WriteSession
) -> PreviewOut:
    """The message as a person would read it; leaves an entry that the person was looked at."""
    _, language, said = await service.preview(
        session, actor=actor, template_id=template_id, person_id=body.person_id, language=body.language
    )
    return PreviewOut(language=language, subject=said.subject, text=said.text, html=said.html)


async def _version(session: Session | ReadSession, template: MessageTemplate, version: int) -> TemplateVersionOut:
    wordings = await wordings_of(session, template.id, version) if 0 < version <= template.version else {}
    if not wordings:
        raise TemplateNotFoundError
    bodies = {language: WordingBody.model_validate(one, from_attributes=True) for language, one in wordings.items()}
    return TemplateVersionOut(id=template.id, version=version, wordings=bodies)
