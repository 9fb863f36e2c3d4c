"""Tells people in the words of their institution, each in their language; in our own words where it has none."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Uuid, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from academe.identity.models import Person, PersonParticulars
from academe.messaging.message_templates.kinds import TemplateKind, Value, kind_called
from academe.messaging.message_templates.models import MessageTemplate
from academe.messaging.message_templates.queries import best, wordings_of
from academe.messaging.message_templates.rendering import Wording, names_reader, rendered
from academe.messaging.notifications.service import Notice, notify, notify_each
from academe.platform.actor import Actor
from academe.platform.database.session import Session


@dataclass(frozen=True, slots=True)
class _Reader:
    id: UUID
    name: str
    locale: str | None
    institution_id: UUID


async def notify_in_words(
    session: Session,
    *,
    actor: Actor,
    kind: TemplateKind,
    values: Mapping[str, Value],
    notice: Notice,
    receivers: Collection[UUID],
) -> int:
    """Tell people as `notify` does, in the words that each one's institution has for the kind, else in the notice's."""
    active = select(MessageTemplate.institution_id, MessageTemplate.id).where(
        MessageTemplate.kind == kind.name, MessageTemplate.is_active
    )
    chosen = {row[0]: row[1] for row in await session.execute(active)}
    if not chosen:
        return await notify(session, actor=actor, notice=notice, receivers=receivers)
    readers = await _readers(session, receivers)
    notices: list[tuple[Notice, Collection[UUID]]] = []
    for institution_id in {each.institution_id for each in readers}:
        own = [each for each in readers if each.institution_id == institution_id]
        template_id = chosen.get(institution_id)
        if template_id is None:
            notices.append((notice, [each.id for each in own]))
        else:
            notices += await _worded(session, template_id, values, notice, own)
    return await notify_each(session, actor=actor, notices=notices)


async def notify_by_template(
    session: Session,
    *,
    actor: Actor,
    template_id: UUID,
    values: Mapping[str, Value],
    notice: Notice,
    receivers: Collection[UUID],
) -> int:
    """Tell people as `notify` does, in the words of a template, whose present version is used."""
    notices = await _worded(session, template_id, values, notice, await _readers(session, receivers))
    return await notify_each(session, actor=actor, notices=notices)


async def _readers(session: Session, receivers: Collection[UUID]) -> Sequence[_Reader]:
    # One document: a list of parameters would be planned and bound one by one.
    listed = func.jsonb_array_elements_text(cast(literal(json.dumps([str(each) for each in receivers])), JSONB))
    ids = select(cast(listed.column_valued(), Uuid))
    rows = await session.execute(
        select(Person.id, Person.display_name, PersonParticulars.locale, Person.institution_id)
        .outerjoin(PersonParticulars, PersonParticulars.person_id == Person.id)
        .where(Person.id.in_(ids))
        .order_by(Person.id)
    )
    return [_Reader(*row) for row in rows]


async def _worded(
    session: Session, template_id: UUID, values: Mapping[str, Value], notice: Notice, readers: Sequence[_Reader]
) -> list[tuple[Notice, Collection[UUID]]]:
    """The notice in the words of the template, once for each language, or for each reader where it names them."""
    template = await session.get_one(MessageTemplate, template_id)
    kind = kind_called(template.kind)
    if kind is None:
        raise LookupError(f"no message of kind {template.kind} is registered in this process")
    wordings = await wordings_of(session, template_id, template.version)
    told: dict[tuple[str, str], list[UUID]] = {}
    chosen: dict[str, Wording] = {}
    for reader in readers:
        language, wording = best(wordings, reader.locale)
        chosen[language] = wording
        told.setdefault((language, reader.name if names_reader(wording) else ""), []).append(reader.id)
    notices: list[tuple[Notice, Collection[UUID]]] = []
    for (language, name), people in told.items():
        said = rendered(kind, chosen[language], values, reader=name, language=language)
        notices.append((replace(notice, title=said.subject, body=said.text, html=said.html), people))
    return notices
