"""Every class of records of the product: those that rules let go, and those whose time is fixed, with the reason."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from academe.academics.api import KEPT as OF_ACADEMICS
from academe.identity.api import KEPT as OF_IDENTITY
from academe.insight.api import KEPT as OF_INSIGHT
from academe.messaging.api import KEPT as OF_MESSAGING
from academe.platform.retention import RecordClass


class FixedClass(NamedTuple):
    """Records for which there is no rule: how long they are kept, and why."""

    title: str
    kept: str
    why: str


CLASSES: Final[Sequence[RecordClass]] = (*OF_IDENTITY, *OF_MESSAGING, *OF_ACADEMICS, *OF_INSIGHT)

FIXED: Final = (
    FixedClass("Statements (xAPI)", "by their own rules", "See Retention under Learning records; legal holds count."),
    FixedClass("Audit and access log", "for good", "The chain of hashes holds only while every entry is there."),
    FixedClass("Enrolments and results", "for good", "The academic record; who is erased stays under a pseudonym."),
    FixedClass("Risk scores", "for good", "Append-only, so that what was said can be checked against what came."),
    FixedClass("Emergency access", "for good", "Who opened whose record is kept as long as the record."),
    FixedClass("Consents", "for good", "That somebody consented must be shown (GDPR, article 7)."),
    FixedClass("Sign-in attempts", "minutes", "They are counted in memory and never written down."),
    FixedClass("Unfinished sign-ins and links", "minutes", "They are worthless after that."),
    FixedClass("Copies of everything", "a week", "Long enough to fetch one."),
    FixedClass("Finished jobs", "30 days", "Long enough to look into what went wrong."),
)
