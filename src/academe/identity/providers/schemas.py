"""JSON of sign-in providers."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from academe.identity.providers.models import LONGEST_NAME
from academe.identity.providers.service import ProviderWanted
from academe.identity.providers.types import ProviderKind, UnknownPerson


class ProviderIn(BaseModel):
    """How a provider is to be; without a secret the present one stays."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    issuer: str = Field(max_length=500)
    kind: ProviderKind = ProviderKind.OIDC
    client_id: str = Field("", max_length=200)
    sso_url: str | None = Field(None, max_length=500)
    certificates: str | None = Field(None, max_length=50_000)
    client_secret: SecretStr | None = Field(None, max_length=500)
    unknown_person: UnknownPerson = UnknownPerson.REFUSE
    domains: list[str] = Field(default_factory=list, max_length=50)
    second_factor_values: list[str] = Field(default_factory=list, max_length=50)
    is_active: bool = True

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
            domains=self.domains,
            unknown_person=self.unknown_person,
            second_factor_values=self.second_factor_values,
            is_active=self.is_active,
        )


class ProviderOut(BaseModel):
    """A provider; its secret is never told."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    institution_id: UUID
    kind: ProviderKind
    name: str
    issuer: str
    client_id: str
    unknown_person: UnknownPerson
    domains: list[str]
    second_factor_values: list[str]
    is_active: bool
    sso_url: str | None
    certificates: str | None


class TriedOut(BaseModel):
    """What a provider publishes about itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    algorithms: list[str]
    keys: int
