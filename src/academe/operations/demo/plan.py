"""What the demo institution consists of."""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final

from academe.academics.types import StaffRole
from academe.identity.types import Role

INSTITUTION: Final = "OULAD"
FACULTY: Final = "SOC"
UNIT: Final = "AAA"
TERM: Final = "2014J"
"""The presentation that is scored; the model has learned from earlier ones only."""

WEEKS: Final = tuple(range(1, 39))
"""Weeks of the offering as of whose end everybody is scored; it is taught for 269 days."""

SHOWN_WEEK: Final = 8
"""The week at which the demo student is chosen; pages open there when teaching is over."""

LIKELY: Final = 0.4
"""The demo student is the one whose probability in that week is nearest to this: there is something to talk about."""

MEETINGS: Final = 12
FIRST_MEETING: Final = timedelta(days=1)
MEETING_BEGINS: Final = time(10, 0)
MEETING_LASTS: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who can sign in. `node` is the code of the place where the role is held; `shows` says what to look at.

    `staff` is the role in the offerings of the module, which a tutor has alone.
    """

    role: Role
    node: str
    shows: str
    staff: StaffRole | None = None

    @property
    def email(self) -> str:
        """The address to sign in with; no mail ever reaches a name under `.example` (RFC 2606)."""
        return f"{self.role.value}@demo.example"

    @property
    def name(self) -> str:
        """What pages call them; the student keeps the name that the data gives."""
        return f"Demo {self.role.value}"


PEOPLE: Final = (
    DemoPerson(Role.ADVISOR, FACULTY, "who needs help, and why"),
    DemoPerson(Role.LECTURER, FACULTY, "roster, attendance and risk of the offerings", StaffRole.LECTURER),
    DemoPerson(Role.CONVENOR, FACULTY, "the same, and enrolling", StaffRole.CONVENOR),
    DemoPerson(Role.TUTOR, FACULTY, "the same as a lecturer, for as long as appointed", StaffRole.TUTOR),
    DemoPerson(Role.STUDENT, FACULTY, "their own progress"),
    DemoPerson(Role.REGISTRAR, INSTITUTION, "every roster"),
    DemoPerson(Role.ADMINISTRATOR, INSTITUTION, "every roster, and learning records"),
    DemoPerson(Role.AUDITOR, INSTITUTION, "every roster and statement, to read"),
    DemoPerson(Role.OPERATOR, INSTITUTION, "the store of learning records"),
    DemoPerson(Role.EXPERT, FACULTY, "an account with no pages yet"),
    DemoPerson(Role.GUARDIAN, FACULTY, "their children, once a registrar has said whose guardian they are"),
)
"""One for every role a person can hold; services do not sign in by a form."""
