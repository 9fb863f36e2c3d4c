"""What programs send and get about an erasure."""

from typing import Any

from pydantic import BaseModel, Field


class ErasureIn(BaseModel):
    """Whom to erase."""

    agent: dict[str, Any] = Field(description="An Agent or an identified Group, as statements name it.")


class ErasureOut(BaseModel):
    """What was erased; the pseudonyms are names of accounts at `home_page`, one for each identifier that was found."""

    statements: int
    documents: int
    signatures: int
    pseudonyms: list[str]
    home_page: str
    before: str = Field(description="Keyed hash of the statements before.")
    after: str = Field(description="Chained SHA-256 of the statements after, in the order of `stored`.")
