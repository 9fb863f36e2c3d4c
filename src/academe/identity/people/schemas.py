"""What programs send and get about people."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.identity.people.service import LONGEST_NAME, LONGEST_PART
from academe.identity.types import PersonStatus

_PART = Field(None, min_length=1, max_length=LONGEST_PART)


class NamesIn(BaseModel):
    """What a person is called."""

    display_name: str = Field(min_length=1, max_length=LONGEST_NAME)
    given_name: str | None = _PART
    middle_name: str | None = _PART
    family_name: str | None = _PART
    preferred_name: str | None = _PART
    sourced_id: str | None = Field(None, min_length=1, max_length=LONGEST_PART, description="The key elsewhere.")


class PersonIn(NamesIn):
    """Somebody who is new to an institution."""

    institution_id: UUID


class PersonOut(BaseModel):
    """A person as the directory knows them; `roles` are those that the caller may know of."""

    id: UUID
    name: str
    preferred_name: str | None
    sourced_id: str | None
    status: PersonStatus
    roles: list[str]


class ParticularsIn(BaseModel):
    """How a person is reached and when they were born; what is left out is removed."""

    contact_email: str | None = None
    phone: str | None = Field(None, max_length=40)
    date_of_birth: date | None = None


class ParticularsOut(BaseModel):
    """How a person is reached and when they were born."""

    contact_email: str | None
    phone: str | None
    date_of_birth: date | None


class PreferencesIn(BaseModel):
    """How a person wants Academe; what is left out is removed."""

    locale: str | None = Field(None, max_length=20, description="A language tag (BCP 47), such as de-AT.")
    time_zone: str | None = Field(None, max_length=100, description="A name of the IANA database.")
    start_page: str | None = Field(None, max_length=200, description="A path within Academe.")


class PreferencesOut(BaseModel):
    """How a person wants Academe."""

    locale: str | None
    time_zone: str | None
    start_page: str | None


class StatusIn(BaseModel):
    """Whether the person takes part."""

    status: PersonStatus


class AccountIn(BaseModel):
    """The address that the person is to sign in with."""

    email: str


class AccountOut(BaseModel):
    """A person's account."""

    id: UUID
    email: str
    is_active: bool
    has_password: bool
    last_signed_in_at: datetime | None
