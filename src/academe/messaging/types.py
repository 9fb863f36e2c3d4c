"""Closed vocabularies of messaging."""

from enum import StrEnum
from typing import Final


class NotificationKind(StrEnum):
    """What a notification is about."""

    ATTENDANCE = "attendance"
    FEES = "fees"
    EVENT = "event"
    GRADE = "grade"
    ENROLMENT = "enrolment"
    TICKET = "ticket"
    RISK = "risk"
    ANNOUNCEMENT = "announcement"
    SYSTEM = "system"


ESSENTIAL: Final = frozenset({NotificationKind.FEES, NotificationKind.ENROLMENT})
"""Notices by which the institution fulfils what it owes a student: they cannot be switched off."""


class EmailMode(StrEnum):
    """How a kind is told by e-mail."""

    OFF = "off"
    AT_ONCE = "at_once"
    DAILY = "daily"


EMAIL_USUALLY: Final = {
    NotificationKind.ATTENDANCE: EmailMode.OFF,
    NotificationKind.FEES: EmailMode.AT_ONCE,
    NotificationKind.EVENT: EmailMode.OFF,
    NotificationKind.GRADE: EmailMode.AT_ONCE,
    NotificationKind.ENROLMENT: EmailMode.AT_ONCE,
    NotificationKind.TICKET: EmailMode.AT_ONCE,
    NotificationKind.RISK: EmailMode.DAILY,
    NotificationKind.ANNOUNCEMENT: EmailMode.AT_ONCE,
    NotificationKind.SYSTEM: EmailMode.OFF,
}
"""How a kind is told to whoever has not chosen."""


class MailTemplate(StrEnum):
    """The letters there are; their texts lie in `mail/stationery`."""

    NOTIFICATION = "notification"
    DIGEST = "digest"
    SIGN_IN_LINK = "sign_in_link"


class MailStatus(StrEnum):
    """How far a letter is. A crash leaves doubt only in `handing_over`, and `unknown` is that doubt."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    HANDING_OVER = "handing_over"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class AnnouncementStatus(StrEnum):
    """Whether an announcement is still to be sent."""

    PLANNED = "planned"
    SENT = "sent"
    CANCELLED = "cancelled"
