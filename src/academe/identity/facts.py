"""What identity announces."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from academe.platform.outbox.service import Fact


class SignInChange(StrEnum):
    """What about signing in was changed, as its holder is told."""

    APP_ADDED = "app_added"
    APP_REMOVED = "app_removed"
    CODES_MADE = "codes_made"
    CODE_USED = "code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    FACTORS_REMOVED = "factors_removed"
    PROVIDER_CONNECTED = "provider_connected"
    PROVIDER_DISCONNECTED = "provider_disconnected"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - what has happened, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105 - what has happened, not a password


@dataclass(frozen=True, slots=True)
class SignInChanged(Fact):
    """How a person signs in was changed; by `by_other` when somebody else did it (an administrator, the operator)."""

    KIND: ClassVar[str] = "identity.sign_in_changed"

    person_id: UUID
    change: SignInChange
    by_other: bool = False


@dataclass(frozen=True, slots=True)
class GuardianLinked(Fact):
    """A student was given a guardian; `needs_consent` when the student decides what the guardian may see."""

    KIND: ClassVar[str] = "identity.guardian_linked"

    student_id: UUID
    needs_consent: bool


@dataclass(frozen=True, slots=True)
class RecordOpened(Fact):
    """Somebody opened a record outside their scope in an emergency, which auditors hear of at once."""

    KIND: ClassVar[str] = "identity.record_opened"

    opening_id: UUID
    institution_id: UUID


@dataclass(frozen=True, slots=True)
class RectificationAsked(Fact):
    """Somebody asked that their record be corrected."""

    KIND: ClassVar[str] = "identity.rectification_asked"

    request_id: UUID
    institution_id: UUID


@dataclass(frozen=True, slots=True)
class RectificationDecided(Fact):
    """It was decided whether a record is corrected."""

    KIND: ClassVar[str] = "identity.rectification_decided"

    request_id: UUID
    person_id: UUID
    accepted: bool


@dataclass(frozen=True, slots=True)
class RestrictionChanged(Fact):
    """The data of a person are kept and not used from now on, or may be used again."""

    KIND: ClassVar[str] = "identity.restriction_changed"

    person_id: UUID
    restricted: bool


@dataclass(frozen=True, slots=True)
class ConsentAskedAgain(Fact):
    """A consent has a new text; whoever consented to the one before is asked again."""

    KIND: ClassVar[str] = "identity.consent_asked_again"

    text_id: UUID
    before_id: UUID


@dataclass(frozen=True, slots=True)
class SignInLinkAsked(Fact):
    """Somebody asked for a link to sign in, perhaps with an address that nobody has: then nothing is sent."""

    KIND: ClassVar[str] = "identity.sign_in_link_asked"

    link_id: UUID
