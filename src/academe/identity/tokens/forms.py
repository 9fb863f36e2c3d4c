"""The forms that make tokens and service accounts."""

from pydantic import BaseModel, Field, field_validator

from academe.identity.tokens.models import LONGEST_NAME


class ServiceAccountForm(BaseModel):
    """A program, and what its tokens may hold."""

    name: str = Field(max_length=LONGEST_NAME)
    scopes: list[str] = Field(default_factory=list, max_length=200)

    @field_validator("scopes", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class TokenForm(ServiceAccountForm):
    """A token, and for how many days it is good."""

    days: int
