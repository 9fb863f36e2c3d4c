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
