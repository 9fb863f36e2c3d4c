"""What can be asked about consents; nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, aliased

from academe.identity.models import Person
from academe.identity.privacy.consents.models import ConsentDecision, ConsentText
from academe.platform.database.session import ReadSession, Session


@dataclass(frozen=True, slots=True)
class AskedConsent:
    """A text that a person is asked about now. `is_given` is None until they decided about this version."""

    id: UUID
    purpose: str
    version: int
    title: str
    body: str
    is_given: bool | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What a person decided, and about which version."""

    title: str
    version: int
    is_given: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class PublishedText:
    """A version with how many people consent to it now, and how many do not any more or never did."""

    id: UUID
    purpose: str
    version: int
    title: str
    is_current: bool
    published_at: datetime
    consenting: int
    refusing: int


async def has_consented(session: Session | ReadSession, *, person_id: UUID, purpose: str) -> bool:
    """Whether a person consents to a purpose now: to its newest version, and has not taken it back.

    True too seldom for an actor who may not see the person's decisions: ask as Academe itself, or as the person.
    """
    wanted = select(Person.id).where(Person.id == person_id, consenting_to(purpose))
    return await session.scalar(wanted) is not None


def consenting_to(purpose: str, person_id: InstrumentedAttribute[UUID] = Person.id) -> ColumnElement[bool]:
    """The people of a statement who consent to a purpose now; what `has_consented` says of one."""
    return person_id.in_(_consenting(ConsentText.purpose == purpose, ConsentText.is_current.is_(True)))


def _consenting(*texts: ColumnElement[bool]) -> Select[UUID]:
    """Whose newest decision about one of these texts is that they consent."""
    later = aliased(ConsentDecision)
    superseded = (
        select(later.id)
        .where(
            later.person_id == ConsentDecision.person_id,
            later.text_id == ConsentDecision.text_id,
            or_(
                later.decided_at > ConsentDecision.decided_at,
                and_(later.decided_at == ConsentDecision.decided_at, later.id > ConsentDecision.id),
            ),
        )
        .exists()
    )
    return (
        select(ConsentDecision.person_id)
        .join(ConsentText, ConsentText.id == ConsentDecision.text_id)
        .where(ConsentDecision.is_given, ~superseded, *texts)
    )


def consenting_to_text(text_id: UUID) -> Select[UUID]:
    """Who consents to one version."""
    return _consenting(ConsentText.id == text_id)


async def asked_of(session: Session | ReadSession, person_id: UUID) -> Sequence[AskedConsent]:
    """What a person is asked about now, what is not decided yet first."""
    newest = (
        select(ConsentDecision.text_id, ConsentDecision.is_given, ConsentDecision.decided_at)
        .where(ConsentDecision.person_id == person_id)
        .ext(distinct_on(ConsentDecision.text_id))
        .order_by(ConsentDecision.text_id, ConsentDecision.decided_at.desc(), ConsentDecision.id.desc())
        .subquery()
    )
    rows = await session.execute(
        select(
            ConsentText.id, ConsentText.purpose, ConsentText.version, ConsentText.title, ConsentText.body,
            newest.c.is_given, newest.c.decided_at,
        )
        .join(Person, Person.institution_id == ConsentText.institution_id)
        .outerjoin(newest, newest.c.text_id == ConsentText.id)
        .where(Person.id == person_id, ConsentText.is_current)
        .order_by(newest.c.is_given.is_not(None), ConsentText.title, ConsentText.id)
    )  # fmt: skip
    return [AskedConsent(*row) for row in rows]


async def decisions_of(session: Session | ReadSession, person_id: UUID) -> Sequence[PastDecision]:
    """What a person decided, the newest first; the last 200."""
    rows = await session.execute(
        select(ConsentText.title, ConsentText.version, ConsentDecision.is_given, ConsentDecision.decided_at)
        .join(ConsentText, ConsentText.id == ConsentDecision.text_id)
        .where(ConsentDecision.person_id == person_id)
        .order_by(ConsentDecision.decided_at.desc(), ConsentDecision.id.desc())
        .limit(200)
    )
    return [PastDecision(*row) for row in rows]


async def published_texts(session: Session | ReadSession, institutions: Sequence[UUID]) -> Sequence[PublishedText]:
    """Every version of every purpose of some institutions, the newest of each purpose first."""
    decision = (
        select(ConsentDecision.text_id, ConsentDecision.is_given)
        .ext(distinct_on(ConsentDecision.text_id, ConsentDecision.person_id))
        .order_by(
            ConsentDecision.text_id,
            ConsentDecision.person_id,
            ConsentDecision.decided_at.desc(),
            ConsentDecision.id.desc(),
        )
        .subquery()
    )
    counted = (
        select(
            decision.c.text_id,
            func.count().filter(decision.c.is_given).label("consenting"),
            func.count().filter(~decision.c.is_given).label("refusing"),
        )
        .group_by(decision.c.text_id)
        .subquery()
    )
    rows = await session.execute(
        select(
            ConsentText.id, ConsentText.purpose, ConsentText.version, ConsentText.title, ConsentText.is_current,
            ConsentText.published_at, func.coalesce(counted.c.consenting, 0), func.coalesce(counted.c.refusing, 0),
        )
        .outerjoin(counted, counted.c.text_id == ConsentText.id)
        .where(ConsentText.institution_id.in_(institutions) if institutions else false())
        .order_by(ConsentText.purpose, ConsentText.version.desc())
    )  # fmt: skip
    return [PublishedText(*row) for row in rows]
