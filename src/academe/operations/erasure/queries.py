"""What an erasure would take, and what it would leave, counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func, select

from academe.academics.models import Attendance, Enrollment, Result, StudentProtectedAttributes, StudentRecord
from academe.identity.models import Account, AccountSession, PersonParticulars, RoleGrant
from academe.insight.models import RiskScore
from academe.lrs.models import ActivityDay
from academe.lrs.rollup.models import XapiAgentLink
from academe.lrs.statements.models import XapiStatement
from academe.messaging.mail.models import MailMessage
from academe.messaging.notifications.models import Notification
from academe.operations.erasure.models import Erasure
from academe.platform.database.session import ReadSession, Session


@dataclass(frozen=True, slots=True)
class Kind:
    """Records of one kind: how many, and why they go or stay."""

    name: str
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure takes and leaves."""

    goes: Sequence[Kind]
    stays: Sequence[Kind]


_GONE: Final = "says who the person is"
_THEIRS: Final = "opens what is theirs"
_TOLD: Final = "was written to the person"
_COUNTED: Final = "stays countable, under a pseudonym"


def _counts(person_id: UUID) -> dict[str, tuple[str, Select[Any], bool]]:
    student = select(StudentRecord.id).where(StudentRecord.person_id == person_id).scalar_subquery()
    account = select(Account.id).where(Account.person_id == person_id).scalar_subquery()
    agents = select(XapiAgentLink.agent_key).where(XapiAgentLink.actor_id == person_id)

    def of(table: Any, condition: Any) -> Select[Any]:
        return select(func.count()).select_from(table).where(condition)

    return {
        "Phone, address and date of birth": (
            _GONE,
            of(PersonParticulars, PersonParticulars.person_id == person_id),
            True,
        ),
        "Accounts, with the address": (_GONE, of(Account, Account.person_id == person_id), True),
        "Sessions": (_THEIRS, of(AccountSession, AccountSession.account_id == account), True),
        "Protected attributes": (
            _GONE,
            of(StudentProtectedAttributes, StudentProtectedAttributes.student_id == student),
            True,
        ),
        "Notifications": (_TOLD, of(Notification, Notification.person_id == person_id), True),
        "Letters": (_TOLD, of(MailMessage, MailMessage.person_id == person_id), True),
        "Learning statements": (
            "stay, with a pseudonym in the place of the agent",
            of(XapiStatement, XapiStatement.agent_key.in_(agents)),
            False,
        ),
        "Enrolments": (_COUNTED, of(Enrollment, Enrollment.student_id == student), False),
        "Attendance": (f"{_COUNTED}; the reasons go", of(Attendance, Attendance.student_id == student), False),
        "Results": (_COUNTED, of(Result, Result.student_id == student), False),
        "Days of activity": (_COUNTED, of(ActivityDay, ActivityDay.actor_id == person_id), False),
        "Risk scores": (_COUNTED, of(RiskScore, RiskScore.student_id == student), False),
        "Roles": ("end, and stay to explain the past", of(RoleGrant, RoleGrant.person_id == person_id), False),
    }


async def preview_of(session: Session | ReadSession, person_id: UUID) -> Preview:
    """Count what an erasure would take and leave; as the system, who alone sees all of it."""
    goes, stays = [Kind("Names", 1, _GONE)], list[Kind]()
    for name, (why, statement, is_going) in _counts(person_id).items():
        kind = Kind(name, (await session.execute(statement)).scalar_one(), why)
        if kind.count:
            (goes if is_going else stays).append(kind)
    stays.append(Kind("Entries of the audit", 0, "name nobody and cannot be changed; the law asks for them"))
    return Preview(goes, stays)


async def erasure_of(session: Session | ReadSession, person_id: UUID) -> Erasure | None:
    """The erasure of a person, as far as the actor may know of it."""
    found: Erasure | None = await session.scalar(select(Erasure).where(Erasure.person_id == person_id))
    return found
