"""The form that configures a provider; domains and words stand one to a line, or with commas."""

import re

from pydantic import BaseModel, Field, SecretStr

from academe.identity.providers.models import LONGEST_NAME
from academe.identity.providers.service import ProviderWanted
from academe.identity.providers.types import ProviderKind, UnknownPerson


class ProviderForm(BaseModel):
    """How a provider is spoken to and believed; an empty secret keeps the present one."""

    name: str = Field(max_length=LONGEST_NAME)
    issuer: str = Field(max_length=500)
    kind: ProviderKind = ProviderKind.OIDC
    client_id: str = Field("", max_length=200)
    sso_url: str | None = Field(None, max_length=500)
    certificates: str | None = Field(None, max_length=50_000)
    client_secret: SecretStr | None = Field(None, max_length=500)
    unknown_person: UnknownPerson = UnknownPerson.REFUSE
    domains: str = Field("", max_length=5000)
    second_factor_values: str = Field("", max_length=5000)
    is_active: bool = False

    def wanted(self) -> ProviderWanted:
        """What the verbs take."""
        return ProviderWanted(
            kind=self.kind,
            sso_url=self.sso_url,
            certificates=self.certificates,
            name=self.name,
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=self.client_secret.get_secret_value() if self.client_secret else None,
            domains=_words(self.domains),
            unknown_person=self.unknown_person,
            second_factor_values=_words(self.second_factor_values),
            is_active=self.is_active,
        )


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]
