"""Tables of signing in by a provider."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from academe.identity.providers.types import ProviderKind, UnknownPerson
from academe.platform.database.base import PEOPLE, Base, Identified, Timestamped, Vocabulary, one_of
from academe.platform.encryption import EncryptedText

LONGEST_NAME: Final = 60


class IdentityProvider(Identified, Timestamped, Base):
    """Where the people of an institution may sign in: its name on the button, and how it is spoken to.

    `issuer` is the provider's own name of itself. `domains` are the ends of e-mail addresses that it may vouch for.
    `second_factor_values` are those words of `amr` or `acr` that say a second factor was asked for, and are believed;
    without any, Academe asks for its own. `sso_url` and `certificates` (PEM, one after the other) are for SAML, whose
    `issuer` is the entity id and whose `client_id` is empty: there we are named by an address.
    """

    __tablename__ = "identity_provider"

    institution_id: Mapped[UUID] = mapped_column(ForeignKey("org_unit.id", ondelete="RESTRICT"), index=True)
    kind: Mapped[ProviderKind] = mapped_column(Vocabulary(ProviderKind))
    name: Mapped[str]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    issuer: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[str | None] = mapped_column(EncryptedText())
    domains: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    unknown_person: Mapped[UnknownPerson] = mapped_column(Vocabulary(UnknownPerson))
    second_factor_values: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))

    sso_url: Mapped[str | None]
    certificates: Mapped[str | None]

    __table_args__ = (
        one_of("kind", ProviderKind),
        CheckConstraint(
            "(kind = 'saml') = (sso_url IS NOT NULL AND certificates IS NOT NULL)", name="saml_knows_its_provider"
        ),
        one_of("unknown_person", UnknownPerson),
        UniqueConstraint("institution_id", "issuer", "client_id"),
        CheckConstraint(f"length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name_length"),
        CheckConstraint("unknown_person <> 'link' OR cardinality(domains) > 0", name="links_within_domains"),
        {"info": {PEOPLE: True}},
    )


class ProviderSignIn(Identified, Base):
    """A browser that was sent to a provider, removed by its return. The cookie's token is kept only as its SHA-256.

    `state` comes back in the address, `nonce` in what the provider signs, and the verifier proves that the code is ours
    (RFC 7636). In SAML `state` is the id of the request, and `answer` what came of it, which the provider posts without
    our cookies: it waits for the browser that has the cookie. With `person_id` somebody who is signed in connects a
    provider: then `subject` waits for their yes.
    """

    __tablename__ = "provider_sign_in"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    state: Mapped[str]
    nonce: Mapped[str]
    code_verifier: Mapped[str] = mapped_column(EncryptedText())
    next_path: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str | None]
    shown_as: Mapped[str | None]
    answer: Mapped[dict[str, Any] | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (
        CheckConstraint("subject IS NULL OR person_id IS NOT NULL", name="waits_for_its_person"),
        {"info": {PEOPLE: True}},
    )


class SeenToken(Base):
    """What a provider has signed and may say once: the id, until it is too old to be accepted anyway."""

    __tablename__ = "seen_token"

    provider_id: Mapped[UUID] = mapped_column(ForeignKey("identity_provider.id", ondelete="CASCADE"), primary_key=True)
    token_id: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
