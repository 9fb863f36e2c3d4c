"""Closed vocabularies of rectification."""

from enum import StrEnum
from typing import Final


class RectifiedField(StrEnum):
    """What of a record is wrong."""

    DISPLAY_NAME = "display_name"
    GIVEN_NAME = "given_name"
    MIDDLE_NAME = "middle_name"
    FAMILY_NAME = "family_name"
    DATE_OF_BIRTH = "date_of_birth"
    CONTACT_EMAIL = "contact_email"
    PHONE = "phone"
    STUDENT_NUMBER = "student_number"
    ENROLMENT = "enrolment"
    ATTENDANCE = "attendance"
    RESULT = "result"
    OTHER = "other"


NAMES: Final = (
    RectifiedField.DISPLAY_NAME,
    RectifiedField.GIVEN_NAME,
    RectifiedField.MIDDLE_NAME,
    RectifiedField.FAMILY_NAME,
)
PARTICULARS: Final = (RectifiedField.DATE_OF_BIRTH, RectifiedField.CONTACT_EMAIL, RectifiedField.PHONE)
WRITTEN_AT_ONCE: Final = (*NAMES, *PARTICULARS)
"""Fields that acceptance writes; the others are corrected where they are kept."""

LABELS: Final = {
    RectifiedField.DISPLAY_NAME: "Name as it is shown",
    RectifiedField.GIVEN_NAME: "Given name",
    RectifiedField.MIDDLE_NAME: "Middle name",
    RectifiedField.FAMILY_NAME: "Family name",
    RectifiedField.DATE_OF_BIRTH: "Date of birth",
    RectifiedField.CONTACT_EMAIL: "Contact e-mail",
    RectifiedField.PHONE: "Phone",
    RectifiedField.STUDENT_NUMBER: "Student number",
    RectifiedField.ENROLMENT: "An enrolment",
    RectifiedField.ATTENDANCE: "An attendance",
    RectifiedField.RESULT: "A result",
    RectifiedField.OTHER: "Something else",
}
"""What the fields are called on pages."""


class RectificationStatus(StrEnum):
    """How far a request is."""

    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
