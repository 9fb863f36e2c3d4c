"""Closed vocabularies of providers, and what a provider has said of somebody."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ProviderKind(StrEnum):
    """The protocol that a provider speaks."""

    OIDC = "oidc"
    SAML = "saml"


class UnknownPerson(StrEnum):
    """What becomes of somebody whom the provider knows and who is not connected with a person here."""

    REFUSE = "refuse"
    LINK = "link"


LONGEST_SUBJECT: Final = 255
"""OpenID Connect Core 1.0, section 2: `sub` has at most 255 characters."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a provider has said, after every check of the protocol.

    `subject` is what it calls the person; `address` an e-mail address that it has verified; `session` what it calls its
    own session; `proofs` how it says the person has signed in there (`amr` and `acr`).
    """

    subject: str
    address: str | None = None
    session: str | None = None
    proofs: frozenset[str] = frozenset()
