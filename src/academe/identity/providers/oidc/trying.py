"""Asking a provider on purpose what it publishes, so that an administrator sees whether it can be spoken to."""

from dataclasses import dataclass

from academe.identity.providers.oidc.discovery import Metadata, keys_of, metadata_of
from academe.platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found: the addresses, and the number of keys."""

    metadata: Metadata
    keys: int


async def tried(settings: Settings, issuer: str) -> Tried:
    """Ask now, whatever is kept in mind. Raises ProviderFailedError, which names the fault."""
    metadata = await metadata_of(settings, issuer, again=True)
    keys = await keys_of(settings, metadata, older_than=0.0)
    return Tried(metadata, len(keys.keys.keys))
