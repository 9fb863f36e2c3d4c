"""HTML forms of the second factor."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from academe.identity.types import Role


class CodeForm(BaseModel):
    """A code of the app, or a recovery code, as somebody types it."""

    code: str = Field(max_length=40)


def _several(value: object) -> object:
    """One ticked box arrives as itself."""
    return value if isinstance(value, list) else [value]


class RolesForm(BaseModel):
    """The roles that are ticked; none is a choice too."""

    roles: Annotated[list[Role], BeforeValidator(_several)] = Field(default_factory=list, max_length=20)
