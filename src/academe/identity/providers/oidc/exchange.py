"""The way to a provider and back: the address to send a browser to, and the code that it brings, made into claims."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from academe.identity.providers.errors import ProviderFailedError, SignInNotFinishedError
from academe.identity.providers.oidc.discovery import Metadata, keys_of, metadata_of
from academe.identity.providers.oidc.fetching import fetched
from academe.identity.providers.oidc.tokens import UnknownKeyError, id_token_claims
from academe.identity.providers.types import Shown
from academe.platform.settings import Settings

SCOPE: Final = "openid email profile"


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are to a provider, and where it sends browsers back to."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Secrets:
    """What was made up for one way there and back."""

    state: str
    nonce: str
    code_verifier: str


async def address_to_ask(settings: Settings, client: Client, secrets: Secrets) -> str:
    """Where a browser is sent to. Raises ProviderFailedError."""
    metadata = await metadata_of(settings, client.issuer)
    challenge = hashlib.sha256(secrets.code_verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": SCOPE,
        "state": secrets.state,
        "nonce": secrets.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"


async def shown_by_code(
    settings: Settings, client: Client, secrets: Secrets, *, code: str, issuer: str | None
) -> Shown:
    """Who somebody is, for the code that their browser brought; `issuer` is the parameter `iss` of RFC 9207.

    Raises ProviderFailedError, SignInNotFinishedError.
    """
    metadata = await metadata_of(settings, client.issuer)
    if issuer != client.issuer and (issuer is not None or metadata.names_itself):
        raise SignInNotFinishedError
    answer = await _exchanged(settings, metadata, client, secrets, code)
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str | None):
        raise ProviderFailedError("The provider answers without an ID token.")
    claims = await _claims(settings, metadata, client, secrets, id_token, access_token)
    if "email" not in claims and metadata.userinfo_endpoint and access_token:
        more = await fetched(settings, metadata.userinfo_endpoint, bearer=access_token)
        if more.get("sub") != claims["sub"]:  # Core 1.0, section 5.3.2
            raise SignInNotFinishedError
        claims = {**more, **claims}
    return _shown(claims)


async def _exchanged(
    settings: Settings, metadata: Metadata, client: Client, secrets: Secrets, code: str
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": secrets.code_verifier,
    }
    if client.client_secret is None:
        return await fetched(settings, metadata.token_endpoint, form={**form, "client_id": client.client_id})
    if metadata.takes_basic:  # RFC 6749, section 2.3.1: both are form-encoded first
        pair = (quote(client.client_id, safe=""), quote(client.client_secret, safe=""))
        return await fetched(settings, metadata.token_endpoint, form=form, basic=pair)
    whole = {**form, "client_id": client.client_id, "client_secret": client.client_secret}
    return await fetched(settings, metadata.token_endpoint, form=whole)


async def _claims(
    settings: Settings, metadata: Metadata, client: Client, secrets: Secrets, token: str, access_token: str | None
) -> Mapping[str, Any]:
    for older_than in (None, 0.0):
        keys = await keys_of(settings, metadata, older_than=older_than)
        try:
            return id_token_claims(
                token,
                keys.keys,
                algorithms=metadata.algorithms,
                issuer=client.issuer,
                client_id=client.client_id,
                nonce=secrets.nonce,
                access_token=access_token,
            )
        except UnknownKeyError:
            continue  # the provider may sign with a new key
    raise SignInNotFinishedError


def _shown(claims: Mapping[str, Any]) -> Shown:
    address, session = claims.get("email"), claims.get("sid")
    verified = claims.get("email_verified") is True and isinstance(address, str)
    amr = claims.get("amr")
    said = [*(amr if isinstance(amr, list) else []), claims.get("acr")]
    return Shown(
        subject=claims["sub"],
        address=str(address) if verified else None,
        session=session if isinstance(session, str) else None,
        proofs=frozenset(each for each in said if isinstance(each, str)),
    )
