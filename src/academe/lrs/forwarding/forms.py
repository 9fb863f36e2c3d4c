"""The form of a forward; IRIs and agents stand one to a line."""

from datetime import UTC, date, datetime, time
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from academe.lrs.forwarding import filters
from academe.lrs.forwarding.models import LONGEST_ENDPOINT, LONGEST_NAME
from academe.lrs.forwarding.service import LONGEST_CREDENTIAL, ForwardWanted
from academe.lrs.forwarding.types import ForwardFilter, ForwardVersion
from academe.platform.errors import FieldError, InvalidInputError

_LONGEST_LINES = 100_000


class Start(StrEnum):
    """From when on statements are forwarded."""

    NOW = "now"
    DAY = "day"
    BEGINNING = "beginning"


class ForwardForm(BaseModel):
    """Where statements go on to, and which."""

    name: str = Field(max_length=LONGEST_NAME)
    endpoint: str = Field(max_length=LONGEST_ENDPOINT)
    version: ForwardVersion
    key: str | None = Field(None, max_length=LONGEST_CREDENTIAL)
    secret: str | None = Field(None, max_length=LONGEST_CREDENTIAL)
    verbs: str | None = Field(None, max_length=_LONGEST_LINES)
    activities: str | None = Field(None, max_length=_LONGEST_LINES)
    activity_types: str | None = Field(None, max_length=_LONGEST_LINES)
    senders: list[UUID] = Field(default_factory=list)
    agents: str | None = Field(None, max_length=_LONGEST_LINES)
    registration: str | None = Field(None, max_length=100)
    voiding: bool = False
    references: bool = False
    institution_id: UUID | None = None
    start: Start = Start.NOW
    since: date | None = None

    @field_validator("senders", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    def wanted(self) -> ForwardWanted:
        """What the verbs take; raises InvalidInputError."""
        faults: list[FieldError] = []
        lines = filters.lines_of
        registration = [self.registration] if self.registration else []
        wanted = ForwardFilter(
            verbs=filters.checked("verbs", lines(self.verbs), filters.iri, faults),
            activities=filters.checked("activities", lines(self.activities), filters.iri, faults),
            activity_types=filters.checked("activity_types", lines(self.activity_types), filters.iri, faults),
            senders=self.senders,
            agents=filters.checked("agents", lines(self.agents), filters.agent, faults),
            registration=next(iter(filters.checked("registration", registration, filters.uuid, faults)), None),
            voiding=self.voiding,
            references=self.references,
        )
        if self.start is Start.DAY and self.since is None:
            faults.append(FieldError("since", "Please give the day."))
        if faults:
            raise InvalidInputError(errors=faults)
        return ForwardWanted(self.name, self.endpoint, self.version, wanted, self.key, self.secret)

    @property
    def starts_at(self) -> datetime | None:
        """The beginning of the day given, in UTC; None for now."""
        if self.start is Start.BEGINNING:
            return datetime(1970, 1, 1, tzinfo=UTC)
        if self.start is Start.DAY and self.since is not None:
            return datetime.combine(self.since, time.min, UTC)
        return None
