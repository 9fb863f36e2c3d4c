"""What there is of templates; nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from academe.identity.models import Person
from academe.messaging.message_templates.kinds import ANNOUNCEMENT
from academe.messaging.message_templates.models import MessageTemplate, MessageTemplateText
from academe.messaging.message_templates.rendering import Wording
from academe.platform.http.pagination import SortKey

BY_NAME: Final = (SortKey("name", MessageTemplate.name), SortKey("id", MessageTemplate.id))
FALL_BACK: Final = "en"


@dataclass(frozen=True, slots=True)
class ShownTemplate:
    """A template in a list."""

    id: UUID
    institution_id: UUID
    kind: str
    name: str
    version: int
    is_active: bool
    updated_at: datetime
    languages: Sequence[str]


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version: when it was made, by whom, and in which languages it is."""

    version: int
    written_at: datetime
    author: str
    languages: Sequence[str]


def templates(wanted: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The templates for a condition, for `shown`."""
    languages = (
        select(func.array_agg(MessageTemplateText.language))
        .where(
            MessageTemplateText.template_id == MessageTemplate.id,
            MessageTemplateText.version == MessageTemplate.version,
        )
        .scalar_subquery()
    )
    return select(
        MessageTemplate.id, MessageTemplate.institution_id, MessageTemplate.kind, MessageTemplate.name,
        MessageTemplate.version, MessageTemplate.is_active, MessageTemplate.updated_at, languages,
    ).where(wanted)  # fmt: skip


def shown(row: Row[*tuple[Any, ...]]) -> ShownTemplate:
    """A row of `templates`."""
    return ShownTemplate(*(*row[:7], sorted(row[7] or ())))


async def wordings_of(session: AsyncSession, template_id: UUID, version: int) -> Mapping[str, Wording]:
    """A version by language."""
    wanted = select(
        MessageTemplateText.language, MessageTemplateText.subject, MessageTemplateText.text, MessageTemplateText.html
    ).where(MessageTemplateText.template_id == template_id, MessageTemplateText.version == version)
    rows = await session.execute(wanted.order_by(MessageTemplateText.language))
    return {row[0]: Wording(row[1], row[2], row[3]) for row in rows}


async def versions_of(session: AsyncSession, template_id: UUID, *, most: int = 50) -> Sequence[ShownVersion]:
    """The versions, the newest first."""
    wanted = (
        select(
            MessageTemplateText.version,
            func.max(MessageTemplateText.written_at),
            func.max(func.coalesce(Person.display_name, "")),
            func.array_agg(MessageTemplateText.language),
        )
        .outerjoin(Person, Person.id == MessageTemplateText.author_id)
        .where(MessageTemplateText.template_id == template_id)
        .group_by(MessageTemplateText.version)
        .order_by(MessageTemplateText.version.desc())
        .limit(most)
    )
    return [ShownVersion(row[0], row[1], row[2], sorted(row[3])) for row in await session.execute(wanted)]


async def frames_for(session: AsyncSession, wanted: ColumnElement[bool]) -> Sequence[tuple[UUID, str]]:
    """The templates that an announcement can be framed with, by name."""
    ready = select(MessageTemplate.id, MessageTemplate.name).where(
        wanted, MessageTemplate.kind == ANNOUNCEMENT.name, MessageTemplate.is_active
    )
    rows = await session.execute(ready.order_by(MessageTemplate.name, MessageTemplate.id).limit(200))
    return [(row[0], row[1]) for row in rows]


def best(wordings: Mapping[str, Wording], locale: str | None) -> tuple[str, Wording]:
    """The wording for a reader: in their language and region, in their language, in English, or the first there is."""
    wished = [locale, locale.partition("-")[0]] if locale else []
    for language in (*wished, FALL_BACK, *sorted(wordings)):
        if language in wordings:
            return language, wordings[language]
    raise LookupError("a template has at least one language")
