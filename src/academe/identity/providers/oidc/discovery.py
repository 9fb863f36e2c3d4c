"""What a provider publishes about itself: its addresses (Discovery 1.0) and the keys that it signs with (RFC 7517)."""

import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from academe.identity.providers.errors import ProviderFailedError
from academe.identity.providers.oidc.fetching import fetched
from academe.platform.cache import MemoryCache
from academe.platform.settings import Settings

KEPT_SECONDS: Final = 600.0
"""How long addresses and keys are kept in mind. A signature by an unknown key has them asked for again at once."""

ASKED_AGAIN_AFTER_SECONDS: Final = 60.0
"""How often strangers can have the keys asked for again, who need no key to sign nonsense."""

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""Signatures by a key that the provider alone has; never `none`, and no HMAC, whose key would be our own secret."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """The addresses of a provider, and what it can do."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    takes_basic: bool
    names_itself: bool
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of a provider; `fetched_at` in seconds of the monotonic clock."""

    keys: KeySet
    fetched_at: float


_metadata: Final[MemoryCache[str, Metadata]] = MemoryCache(entries=200, seconds=KEPT_SECONDS)
_keys: Final[MemoryCache[str, Keys]] = MemoryCache(entries=200, seconds=KEPT_SECONDS)


async def metadata_of(settings: Settings, issuer: str, *, again: bool = False) -> Metadata:
    """What a provider says of itself. Raises ProviderFailedError when it does not, or speaks for another issuer."""
    known = None if again else _metadata.get(issuer)
    if known is None:
        known = _read(
            settings, issuer, await fetched(settings, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        )
        _metadata.put(issuer, known)
    return known


async def keys_of(settings: Settings, metadata: Metadata, *, older_than: float | None = None) -> Keys:
    """The keys of a provider; with `older_than` (seconds) they are asked for again unless they are younger."""
    known = _keys.get(metadata.jwks_uri)
    if known is None or (older_than is not None and time.monotonic() - known.fetched_at >= older_than):
        document = await fetched(settings, metadata.jwks_uri)
        try:
            keys = KeySet.import_key_set({"keys": [key for key in document["keys"] if _signs(key)]})
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ProviderFailedError(f"{metadata.jwks_uri} has no keys that can be used.") from error
        if not keys.keys:
            raise ProviderFailedError(f"{metadata.jwks_uri} has no keys that can be used.")
        known = Keys(keys, time.monotonic())
        _keys.put(metadata.jwks_uri, known)
    return known


def _signs(key: Any) -> bool:
    return key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"


def _read(settings: Settings, issuer: str, document: dict[str, Any]) -> Metadata:
    if document.get("issuer") != issuer:
        raise ProviderFailedError("The provider calls itself something else; the issuer must be exactly what it says.")

    def address(name: str) -> str:
        value = document.get(name)
        if not isinstance(value, str) or not _is_address(value, settings):
            raise ProviderFailedError(f"The provider names no {name} that can be used.")
        return value

    algorithms = ALGORITHMS & set(_words(document, "id_token_signing_alg_values_supported", ["RS256"]))
    if not algorithms:
        raise ProviderFailedError("The provider signs in no way that can be trusted; RS256 is usual.")
    if "S256" not in _words(document, "code_challenge_methods_supported", ["S256"]):
        raise ProviderFailedError("The provider does not know PKCE with S256.")
    methods = _words(document, "token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        issuer=issuer,
        authorization_endpoint=address("authorization_endpoint"),
        token_endpoint=address("token_endpoint"),
        jwks_uri=address("jwks_uri"),
        userinfo_endpoint=address("userinfo_endpoint") if "userinfo_endpoint" in document else None,
        takes_basic="client_secret_basic" in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        algorithms=frozenset(algorithms),
    )


def _words(document: dict[str, Any], name: str, default: list[str]) -> list[str]:
    value = document.get(name, default)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_address(url: str, settings: Settings) -> bool:
    """Where requests go is looked at when they go; what a browser is sent to is only read here."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = parts.scheme == "http" and (not settings.is_production or bool(settings.provider_networks))
    return (parts.scheme == "https" or plain) and bool(parts.hostname)
