"""Closed vocabularies of identity."""

from enum import StrEnum
from typing import Final
from uuid import UUID


class OrgUnitKind(StrEnum):
    """What a node of the organisation tree is; the root is always an institution."""

    INSTITUTION = "institution"
    FACULTY = "faculty"
    DEPARTMENT = "department"
    SCHOOL = "school"
    CAMPUS = "campus"


class Role(StrEnum):
    """What a person may be to an institution; several at once is usual."""

    STUDENT = "student"
    GUARDIAN = "guardian"
    LECTURER = "lecturer"
    CONVENOR = "convenor"
    TUTOR = "tutor"
    ADVISOR = "advisor"
    EXPERT = "expert"
    REGISTRAR = "registrar"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    SERVICE = "service"


AT_NODE: Final = tuple(role for role in Role if role is not Role.TUTOR)
"""The roles that are held at a node; a tutor is one in an offering alone."""

SIGNING_IN: Final = tuple(role for role in Role if role is not Role.SERVICE)
"""The roles of people; programs have no second factor."""


class PersonStatus(StrEnum):
    """Whether the person takes part; a deactivated person keeps every record and cannot sign in."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


ERASED_NAME: Final = "Erased person"
"""What stands in the place of the name of somebody who was erased."""


def erased_address(account_id: UUID) -> str:
    """What stands in the place of the address of somebody who was erased; nobody has it (RFC 2606, section 2)."""
    return f"{account_id.hex}@erased.invalid"


ROLE_MEANINGS: Final = {
    "student": "You see your own enrolments, attendance, results and activity.",
    "guardian": "You see what the student you look after has agreed to share.",
    "lecturer": "You see the students of the offerings you teach, and record attendance and results.",
    "convenor": "You see the students of the offerings you convene, and decide who is enrolled.",
    "tutor": "You help to teach the offerings you are appointed for: you see their students, and record attendance and"
    " results.",
    "advisor": "You see the students of every offering of this part of the organisation.",
    "expert": "You design programmes; you see no records of students.",
    "registrar": "You keep the records of this part of the organisation.",
    "administrator": "You manage people, accounts and roles of this part of the organisation.",
    "operator": "You run the service; you see no records of students.",
    "auditor": "You read records and the audit of this part of the organisation, and change nothing.",
    "service": "A program acts with this role.",
}
"""What a role lets its holder see, in a sentence for that holder."""
