"""What programs send and get about erasures and retention."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from academe.lrs.privacy.keeping import LONGEST_KIND, MOST_MONTHS


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


class RuleIn(BaseModel):
    """How long a kind of statements is kept."""

    kind: str = Field(
        min_length=1, max_length=LONGEST_KIND, description="A kind, an activity type, or * for all others."
    )
    months: int | None = Field(None, ge=1, le=MOST_MONTHS, description="Whole months; null lifts the rule.")


class OverOut(BaseModel):
    """What the coming night deletes of a month."""

    month: date
    statements: Mapping[str, int] = Field(description="By kind.")
    whole: bool = Field(description="Nothing of the month is left.")
    total: int = Field(description="Statements of the month now.")
    bytes_freed: int = Field(description="An estimate.")


class RunOut(BaseModel):
    """Something that was deleted, as the audit says it."""

    at: datetime
    summary: str


class RetentionOut(BaseModel):
    """How long statements are kept, what is over by it, and what was deleted lately."""

    rules: Mapping[str, int] = Field(description="Months by kind.")
    can_change: bool
    over: Sequence[OverOut]
    runs: Sequence[RunOut]
