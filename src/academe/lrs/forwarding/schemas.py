"""What programs send and get about forwards."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from academe.lrs.forwarding import filters
from academe.lrs.forwarding.filters import MOST
from academe.lrs.forwarding.models import LONGEST_ENDPOINT, LONGEST_NAME
from academe.lrs.forwarding.service import LONGEST_CREDENTIAL, ForwardWanted
from academe.lrs.forwarding.types import ForwardFilter, ForwardState, ForwardVersion, PauseReason
from academe.lrs.senders.service import NAME_PATTERN
from academe.lrs.watching.filters import IRI_PATTERN, LONGEST
from academe.platform.errors import FieldError, InvalidInputError

_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
Iri = Annotated[str, StringConstraints(max_length=LONGEST, pattern=IRI_PATTERN)]
Line = Annotated[str, StringConstraints(max_length=LONGEST, pattern=_ONE_LINE)]


class ForwardIn(BaseModel):
    """Where statements go on to, and which. A condition that is left out lets everything through; all must hold."""

    name: str = Field(max_length=LONGEST_NAME, pattern=NAME_PATTERN)
    endpoint: str = Field(
        max_length=LONGEST_ENDPOINT,
        pattern=r"^https?://[!-~]+$",
        description="Address of the other store's xAPI, above `/statements`.",
    )
    version: ForwardVersion = ForwardVersion.ONE
    key: str | None = Field(None, min_length=1, max_length=LONGEST_CREDENTIAL, pattern=_ONE_LINE)
    secret: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_CREDENTIAL,
        pattern=_ONE_LINE,
        description="With `key`, the Basic credentials there; never returned. Left out in a change: as they are.",
    )
    verbs: list[Iri] = Field(default_factory=list, max_length=MOST)
    activities: list[Iri] = Field(default_factory=list, max_length=MOST, description="Anywhere in the statement.")
    activity_types: list[Iri] = Field(default_factory=list, max_length=MOST, description="Types of the object.")
    senders: list[UUID] = Field(default_factory=list, max_length=MOST)
    agents: list[Line] = Field(
        default_factory=list,
        max_length=MOST,
        description="Actor or object: an Agent as JSON, or as an answer writes it (`mbox:ada@example.com`).",
    )
    registration: UUID | None = None
    voiding: bool = Field(True, description="Whether statements that void travel.")
    references: bool = Field(True, description="Whether other statements about statements travel.")

    def wanted(self) -> ForwardWanted:
        """What the verbs take; raises InvalidInputError."""
        faults: list[FieldError] = []
        wanted = ForwardFilter(
            verbs=filters.checked("verbs", self.verbs, filters.iri, faults),
            activities=filters.checked("activities", self.activities, filters.iri, faults),
            activity_types=filters.checked("activity_types", self.activity_types, filters.iri, faults),
            senders=list(dict.fromkeys(self.senders)),
            agents=filters.checked("agents", self.agents, filters.agent, faults),
            registration=self.registration,
            voiding=self.voiding,
            references=self.references,
        )
        if faults:
            raise InvalidInputError(errors=faults)
        return ForwardWanted(self.name, self.endpoint, self.version, wanted, self.key, self.secret)


class ForwardAddIn(ForwardIn):
    """A new forward."""

    institution_id: UUID | None = Field(None, description="Needed by whoever administers several.")
    since: AwareDatetime | None = Field(None, description="Statements stored from then on; left out: from now.")


class AnswerOut(BaseModel):
    """A request to the other store: the status of its answer, null where none came, and what it took."""

    at: datetime
    status: int | None
    statements: int
    milliseconds: int
    said: str


class ForwardOut(BaseModel):
    """A forward and how it does. Everything stored up to `position` is sent, refused, or does not fit."""

    id: UUID
    institution_id: UUID | None
    name: str
    endpoint: str
    version: ForwardVersion
    state: ForwardState
    verbs: Sequence[str]
    activities: Sequence[str]
    activity_types: Sequence[str]
    senders: Sequence[UUID]
    agents: int = Field(description="How many agents it is narrowed to; 0 is everybody.")
    registration: UUID | None
    voiding: bool
    references: bool
    position: datetime
    pause_reason: PauseReason | None
    failure: str | None = Field(description="What went wrong with the last request.")
    failing_since: datetime | None
    next_attempt_at: datetime | None
    delivered: int
    delivered_at: datetime | None
    dead_letters: int
    behind_seconds: float
    waiting: int = Field(description="Statements that it has not looked at, 100,000 at the most.")
    statements_minute: int
    statements_hour: int
    statements_day: int
    answers: Sequence[AnswerOut] = Field(description="The last ones, the newest first.")


class LetterOut(BaseModel):
    """A statement that the other store refuses; `answer` is told to administrators only."""

    id: UUID
    statement_id: UUID
    stored: datetime
    status: int | None
    reason: str
    answer: str
    refused_at: datetime
    again_at: datetime | None


class CountOut(BaseModel):
    """How many."""

    count: int


def answers_of(answers: Sequence[Mapping[str, Any]]) -> Sequence[AnswerOut]:
    """The answers as they are kept."""
    return [AnswerOut.model_validate(each) for each in answers]
