"""Reads legal holds."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, or_, select

from academe.identity.privacy.holds.models import LegalHold
from academe.platform.database.session import ReadSession, Session


def hold_in_force() -> ColumnElement[bool]:
    """Holds that were not lifted and whose last day is not over."""
    today = cast(func.now(), Date)
    return and_(LegalHold.lifted_at.is_(None), or_(LegalHold.until.is_(None), LegalHold.until >= today))


async def holds_on(session: Session | ReadSession, person_id: UUID) -> Sequence[LegalHold]:
    """The holds in force on a person, as far as the actor may know them."""
    wanted = select(LegalHold).where(LegalHold.person_id == person_id, hold_in_force()).order_by(LegalHold.id)
    return (await session.scalars(wanted)).all()


def held_people() -> Select[UUID]:
    """Everybody who is under legal hold, as far as the actor may know: ask as Academe itself."""
    return select(LegalHold.person_id).where(hold_in_force())
