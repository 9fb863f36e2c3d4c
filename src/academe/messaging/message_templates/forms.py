"""Forms of message templates."""

from uuid import UUID

from pydantic import BaseModel, Field

from academe.messaging.message_templates.models import LONGEST_NAME
from academe.messaging.message_templates.rendering import LONGEST_HTML, LONGEST_SUBJECT, LONGEST_TEXT, Wording


class WordingForm(BaseModel):
    """A template in one language."""

    language: str = Field(max_length=20)
    subject: str = Field(max_length=LONGEST_SUBJECT)
    text: str = Field(max_length=LONGEST_TEXT)
    html: str = Field("", max_length=LONGEST_HTML)

    def wording(self) -> Wording:
        """What the verbs take."""
        return Wording(self.subject, self.text.replace("\r\n", "\n"), self.html.replace("\r\n", "\n"))


class TemplateForm(WordingForm):
    """A new template, in its first language."""

    kind: str = Field(max_length=100)
    name: str = Field(max_length=LONGEST_NAME)
    institution_id: UUID | None = None


class SettingsForm(BaseModel):
    """What a template is called, and whether it is used."""

    name: str = Field(max_length=LONGEST_NAME)
    is_active: bool = False
