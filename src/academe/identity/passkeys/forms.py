"""HTML forms of passkeys."""

from pydantic import BaseModel, Field


class NameForm(BaseModel):
    """What a passkey is called."""

    name: str = Field(max_length=60)
