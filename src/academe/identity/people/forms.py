"""HTML forms of people."""

from datetime import date

from pydantic import BaseModel, Field

from academe.identity.people.service import LONGEST_NAME, LONGEST_PART, Names


class NamesForm(BaseModel):
    """What a person is called."""

    display_name: str = Field(min_length=1, max_length=LONGEST_NAME)
    given_name: str | None = Field(None, max_length=LONGEST_PART)
    middle_name: str | None = Field(None, max_length=LONGEST_PART)
    family_name: str | None = Field(None, max_length=LONGEST_PART)
    preferred_name: str | None = Field(None, max_length=LONGEST_PART)
    sourced_id: str | None = Field(None, max_length=LONGEST_PART)

    @property
    def names(self) -> Names:
        """For the verb."""
        return Names(**self.model_dump(include=set(NamesForm.model_fields)))


class ParticularsForm(BaseModel):
    """How a person is reached and when they were born."""

    contact_email: str | None = Field(None, max_length=254)
    phone: str | None = Field(None, max_length=40)
    date_of_birth: date | None = None


class ProfileForm(ParticularsForm):
    """What people say about themselves."""

    preferred_name: str | None = Field(None, max_length=LONGEST_PART)
    locale: str | None = Field(None, max_length=20)
    time_zone: str | None = Field(None, max_length=100)
    start_page: str | None = Field(None, max_length=200)


class AccountForm(BaseModel):
    """The address that a person is to sign in with."""

    email: str = Field(max_length=254)
