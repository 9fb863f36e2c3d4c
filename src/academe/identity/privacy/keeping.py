"""The classes of identity's records that rules of retention let go."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from academe.identity.models import Account, AccountSession, Person
from academe.identity.privacy.rectification.models import RectificationRequest
from academe.identity.tokens.models import ApiToken
from academe.platform.retention import RecordClass


def _sessions(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    accounts = select(Account.id).join(Person, Person.id == Account.person_id)
    ended = or_(AccountSession.revoked_at < before, AccountSession.expires_at < before)
    return and_(ended, AccountSession.account_id.in_(accounts.where(Person.institution_id == institution_id)))


def _tokens(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    people = select(Person.id).where(Person.institution_id == institution_id)
    return and_(or_(ApiToken.revoked_at < before, ApiToken.expires_at < before), ApiToken.person_id.in_(people))


def _corrections(institution_id: UUID, before: datetime) -> ColumnElement[bool]:
    return and_(
        RectificationRequest.institution_id == institution_id,
        RectificationRequest.decided_at < before,
        RectificationRequest.wanted.is_not(None),
    )


KEPT: Final = (
    RecordClass(
        "sessions",
        "Ended sessions",
        "Browsers that were signed in, from the end of the session on.",
        AccountSession,
        _sessions,
        select(Account.person_id).where(Account.id == AccountSession.account_id).scalar_subquery(),
    ),
    RecordClass(
        "tokens",
        "Ended tokens",
        "Tokens of programs, from the day they expired or were ended.",
        ApiToken,
        _tokens,
        ApiToken.person_id.expression,
    ),
    RecordClass(
        "corrections",
        "Texts of requests for corrections",
        "What was asked and answered is emptied; that it was asked and decided stays. From the decision on.",
        RectificationRequest,
        _corrections,
        RectificationRequest.person_id.expression,
        shortest_days=30,
        blank={"wanted": None, "reason": None, "answer": None},
    ),
)
"""In the order in which pages list them."""
