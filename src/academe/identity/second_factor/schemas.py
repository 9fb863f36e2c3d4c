"""JSON of the second factor."""

from datetime import datetime

from pydantic import BaseModel, Field

from academe.identity.types import Role


class SecondFactorOut(BaseModel):
    """How far one's sign-in is protected beyond the password."""

    authenticator_app_since: datetime | None = Field(description="Since when codes of an app are asked for.")
    recovery_codes_left: int
    passkeys: int


class SignInRules(BaseModel):
    """Whose sign-in needs a second factor in an institution."""

    roles: list[Role] = Field(
        max_length=20, description="The roles; `service` is of programs and cannot be among them."
    )
