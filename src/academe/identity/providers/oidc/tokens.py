"""What a provider signs: ID tokens (Core 1.0, section 3.1.3.7) and logout tokens (Back-Channel Logout 1.0, 2.6)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError, MissingKeyError
from joserfc.jwk import KeySet

from academe.identity.providers.errors import SignInNotFinishedError
from academe.identity.providers.types import LONGEST_SUBJECT
from academe.platform import clock
from academe.platform.logging import get_logger

SKEW_SECONDS: Final = 60
"""How far the provider's clock may be from ours."""

OLDEST_SECONDS: Final = 600
"""How long ago a token may have been signed: it has just been asked for, or is sent at once."""

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_LONGEST_TOKEN: Final = 32_000
_log = get_logger()


class UnknownKeyError(SignInNotFinishedError):
    """No key that is known has signed it; the provider may have new ones."""


@dataclass(frozen=True, slots=True)
class Logout:
    """Whose sessions end: those of a subject, or one of the provider's sessions, or both. `token_id` counts once."""

    token_id: str
    subject: str | None
    session: str | None


def id_token_claims(
    token: str,
    keys: KeySet,
    *,
    algorithms: frozenset[str],
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: str | None,
) -> Mapping[str, Any]:
    """The claims of an ID token that was asked for. Raises UnknownKeyError, SignInNotFinishedError."""
    header, claims = _verified(token, keys, algorithms, issuer, client_id, "nonce", "sub")
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise _refused("nonce")
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= LONGEST_SUBJECT:
        raise _refused("sub")
    at_hash = claims.get("at_hash")
    if at_hash is not None and (access_token is None or at_hash != _half_hash(access_token, header["alg"])):
        raise _refused("at_hash")
    return claims


def logout_of(token: str, keys: KeySet, *, algorithms: frozenset[str], issuer: str, client_id: str) -> Logout:
    """What a logout token asks for. Raises UnknownKeyError, SignInNotFinishedError."""
    header, claims = _verified(token, keys, algorithms, issuer, client_id, "jti", "events")
    if str(header.get("typ", "logout+jwt")).lower() not in {"logout+jwt", "jwt"} or "nonce" in claims:
        raise _refused("kind")  # an ID token is no order to log out
    events, subject, session = claims["events"], claims.get("sub"), claims.get("sid")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise _refused("events")
    named = [each for each in (subject, session, claims["jti"]) if each is not None]
    if len(named) < 2 or not all(isinstance(each, str) and 1 <= len(each) <= LONGEST_SUBJECT for each in named):
        raise _refused("sub, sid, jti")
    return Logout(claims["jti"], subject, session)


def _verified(
    token: str, keys: KeySet, algorithms: frozenset[str], issuer: str, client_id: str, *needed: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    if len(token) > _LONGEST_TOKEN:
        raise _refused("length")
    try:
        decoded = jwt.decode(token, keys, algorithms=sorted(algorithms))
    except (InvalidKeyIdError, BadSignatureError, MissingKeyError) as error:
        raise UnknownKeyError from error
    except (JoseError, ValueError, TypeError) as error:
        raise _refused("form") from error
    claims = decoded.claims
    now = int(clock.now().timestamp())
    more: dict[str, jwt.ClaimsOption] = {name: {"essential": True, "allow_blank": True} for name in needed}
    registry = jwt.JWTClaimsRegistry(
        now=now,
        leeway=SKEW_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
        **more,
    )
    try:
        registry.validate(claims)
    except ClaimError as error:
        raise _refused(str(error)) from error
    if claims["iat"] < now - OLDEST_SECONDS - SKEW_SECONDS:
        raise _refused("iat")
    others = isinstance(claims["aud"], list) and set(claims["aud"]) != {client_id}
    if claims.get("azp", None if others else client_id) != client_id:
        raise _refused("azp")
    return dict(decoded.header), claims


def _half_hash(text: str, algorithm: str) -> str:
    """Core 1.0, section 3.1.3.6: the left half of the hash that the algorithm of the signature uses."""
    size = algorithm[2:] if algorithm[2:] in {"256", "384", "512"} else "512"
    digest = hashlib.new(f"sha{size}", text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def _refused(why: str) -> SignInNotFinishedError:
    _log.warning("provider_token.refused", why=why)
    return SignInNotFinishedError()
