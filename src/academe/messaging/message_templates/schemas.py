"""Shapes of JSON of message templates."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from academe.messaging.message_templates.kinds import VariableType
from academe.messaging.message_templates.models import LONGEST_NAME
from academe.messaging.message_templates.rendering import LONGEST_HTML, LONGEST_SUBJECT, LONGEST_TEXT, Wording

_LANGUAGE = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"


class VariableOut(BaseModel):
    """One that templates of a kind may name."""

    name: str
    type: VariableType
    words: str


class TemplateKindOut(BaseModel):
    """A kind of message; of `several`, whoever sends it chooses a template."""

    name: str
    words: str
    several: bool
    variables: list[VariableOut]


class WordingBody(BaseModel):
    """A template in one language; `html` may be empty."""

    subject: str = Field(min_length=1, max_length=LONGEST_SUBJECT)
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    html: str = Field("", max_length=LONGEST_HTML)

    def wording(self) -> Wording:
        """What the verbs take."""
        return Wording(self.subject, self.text, self.html)


class TemplateIn(BaseModel):
    """A new template, in its first language."""

    kind: str = Field(max_length=100)
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    language: str = Field(pattern=_LANGUAGE, description="A language tag (BCP 47), such as de-AT.")
    wording: WordingBody
    institution_id: UUID | None = None


class TemplateChangeIn(BaseModel):
    """What it is called, and whether it is used."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    is_active: bool


class TemplateOut(BaseModel):
    """A template in a list."""

    id: UUID
    institution_id: UUID
    kind: str
    name: str
    version: int
    is_active: bool
    updated_at: datetime
    languages: list[str]


class TemplateVersionOut(BaseModel):
    """The words of a version, by language."""

    id: UUID
    version: int
    wordings: dict[str, WordingBody]


class PreviewIn(BaseModel):
    """Who would read it; in their own language when none is given."""

    person_id: UUID
    language: str = Field("", max_length=20)


class PreviewOut(BaseModel):
    """The message as it would be read, with examples for all that is not the reader's."""

    language: str
    subject: str
    text: str
    html: str
