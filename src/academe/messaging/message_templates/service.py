"""Verbs of templates: make one, word it in a language, go back to a version, use it or not; and preview."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import select

from academe.identity.api import known_to
from academe.identity.models import Person, PersonParticulars
from academe.messaging.errors import TemplateNotFoundError, TemplateTakenError
from academe.messaging.message_templates.kinds import TemplateKind, kind_called
from academe.messaging.message_templates.models import LONGEST_NAME, MessageTemplate, MessageTemplateText
from academe.messaging.message_templates.policy import can_word, require_wording, worded_by
from academe.messaging.message_templates.queries import best, wordings_of
from academe.messaging.message_templates.rendering import Rendered, Wording, checked, known_language, rendered
from academe.platform.actor import Actor
from academe.platform.audit.service import Subject, record, record_access
from academe.platform.database.session import ReadSession, Session
from academe.platform.errors import AuthenticationRequiredError, FieldError, InvalidInputError, PermissionDeniedError

_MOST_LANGUAGES: Final = 30


async def make_template(
    session: Session, *, actor: Actor, institution_id: UUID, kind: str, name: str, language: str, wording: Wording
) -> MessageTemplate:
    """Word a kind of message, in a first language.

    Raises PermissionDeniedError, InvalidInputError, and TemplateTakenError when the kind has its one template already.
    """
    require_wording(actor)
    if not can_word(actor, institution_id):
        raise PermissionDeniedError
    known = kind_called(kind)
    faults = _faults(name, language)
    if known is None:
        faults.append(FieldError("kind", "There is no such kind of message."))
    else:
        faults += checked(known, wording)
    if faults:
        raise InvalidInputError(errors=faults)
    if known is not None and not known.several:
        own = (MessageTemplate.institution_id == institution_id, MessageTemplate.kind == kind)
        if await session.scalar(select(MessageTemplate.id).where(*own)):
            raise TemplateTakenError
    template = MessageTemplate(institution_id=institution_id, kind=kind, name=_line(name), version=1, is_active=True)
    session.add(template)
    await session.flush()
    await _write(session, actor, template, {language: wording})
    _record(session, actor, template, "made", f"Template for {kind} made")
    return template


async def word_template(
    session: Session, *, actor: Actor, template_id: UUID, language: str, wording: Wording
) -> MessageTemplate:
    """Word it in a language, anew or for the first time: a new version, with the other languages as they are.

    Raises TemplateNotFoundError, PermissionDeniedError and InvalidInputError, whose faults name line and variable.
    """
    template = await _locked(session, actor, template_id)
    faults = [*_faults(template.name, language), *checked(_kind(template), wording)]
    wordings = {**await wordings_of(session, template_id, template.version), language: wording}
    if len(wordings) > _MOST_LANGUAGES:
        faults.append(FieldError("language", f"A template has at most {_MOST_LANGUAGES} languages."))
    if faults:
        raise InvalidInputError(errors=faults)
    template.version += 1
    await _write(session, actor, template, wordings)
    _record(session, actor, template, "worded", f"Template worded in {language}, version {template.version}")
    return template


async def restore_version(session: Session, *, actor: Actor, template_id: UUID, version: int) -> MessageTemplate:
    """Use the words of an earlier version again, as a new one. Raises TemplateNotFoundError."""
    template = await _locked(session, actor, template_id)
    wordings = await wordings_of(session, template_id, version)
    if not wordings:
        raise TemplateNotFoundError("There is no such version.")
    template.version += 1
    await _write(session, actor, template, wordings)
    _record(session, actor, template, "restored", f"Version {version} restored as version {template.version}")
    return template


async def change_template(
    session: Session, *, actor: Actor, template_id: UUID, name: str, is_active: bool
) -> MessageTemplate:
    """Call it otherwise, use it or not. Raises TemplateNotFoundError and InvalidInputError."""
    template = await _locked(session, actor, template_id)
    faults = _faults(name, "en")
    if faults:
        raise InvalidInputError(errors=faults)
    template.name, template.is_active = _line(name), is_active
    await session.flush()
    _record(session, actor, template, "changed", "Template is used" if is_active else "Template is not used")
    return template


async def template_for(session: Session | ReadSession, *, actor: Actor, template_id: UUID) -> MessageTemplate:
    """One that the actor may word; raises TemplateNotFoundError and PermissionDeniedError."""
    require_wording(actor)
    wanted = select(MessageTemplate).where(MessageTemplate.id == template_id, worded_by(actor))
    template = (await session.execute(wanted)).scalar_one_or_none()
    if template is None:
        raise TemplateNotFoundError
    return template


async def preview(
    session: Session, *, actor: Actor, template_id: UUID, person_id: UUID, language: str = ""
) -> tuple[str, str, Rendered]:
    """The message as a person would read it, with examples for the rest: their name, the language, and the words.

    The language is the one given, else theirs. Leaves an entry of having looked at the person. Raises
    TemplateNotFoundError, also for a person whom the actor may not know.
    """
    template = await template_for(session, actor=actor, template_id=template_id)
    found = (
        await session.execute(
            select(Person.display_name, Person.institution_id, PersonParticulars.locale)
            .outerjoin(PersonParticulars, PersonParticulars.person_id == Person.id)
            .where(Person.id == person_id, Person.institution_id == template.institution_id, known_to(actor))
        )
    ).one_or_none()
    if found is None:
        raise TemplateNotFoundError("There is no such person.")
    name, institution_id, locale = found
    subject = Subject("person", person_id, institution_id, person_id)
    record_access(session, actor=actor, subject=subject, purpose="previewing a message")
    kind = _kind(template)
    chosen, wording = best(await wordings_of(session, template_id, template.version), language or locale)
    return name, chosen, rendered(kind, wording, kind.examples, reader=name, language=chosen)


def _kind(template: MessageTemplate) -> TemplateKind:
    kind = kind_called(template.kind)
    if kind is None:
        raise LookupError(f"no message of kind {template.kind} is registered in this process")
    return kind


async def _locked(session: Session, actor: Actor, template_id: UUID) -> MessageTemplate:
    await template_for(session, actor=actor, template_id=template_id)
    wanted = select(MessageTemplate).where(MessageTemplate.id == template_id).with_for_update()
    return (await session.execute(wanted.execution_options(populate_existing=True))).scalar_one()


async def _write(session: Session, actor: Actor, template: MessageTemplate, wordings: Mapping[str, Wording]) -> None:
    if actor.person_id is None:
        raise AuthenticationRequiredError
    for language, wording in wordings.items():
        session.add(
            MessageTemplateText(
                template_id=template.id,
                version=template.version,
                language=language,
                subject=_line(wording.subject),
                text=wording.text.strip().replace("\r\n", "\n"),
                html=wording.html.strip().replace("\r\n", "\n"),
                author_id=actor.person_id,
            )
        )
    await session.flush()


def _faults(name: str, language: str) -> list[FieldError]:
    faults = []
    if not 1 <= len(_line(name)) <= LONGEST_NAME:
        faults.append(FieldError("name", f"Please give a name of 1 to {LONGEST_NAME} characters."))
    if not known_language(language):
        faults.append(FieldError("language", "Please give a language such as en, de or de-AT."))
    return faults


def _line(text: str) -> str:
    return " ".join(text.split())


def _record(session: Session, actor: Actor, template: MessageTemplate, action: str, summary: str) -> None:
    subject = Subject("message_template", template.id, template.institution_id)
    record(session, actor=actor, action=f"message_template.{action}", subject=subject, summary=summary)
