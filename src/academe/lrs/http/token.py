"""The token endpoint: `POST /xapi/oauth/token`, the client credentials grant of OAuth 2 (RFC 6749, section 4.4).

A sender shows its key and secret, in Basic credentials or in the form, and gets a bearer token (RFC 6750) for all that
it may do or for the part it asks for. Programs that only know OAuth need this; the others send Basic credentials.
"""

import base64
import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from academe.lrs.http.exchange import Answer
from academe.lrs.senders.credentials import Credentials, KnownSender
from academe.lrs.senders.errors import CredentialsRefusedError, UnknownScopeError
from academe.lrs.senders.scopes import everything_in, in_order, scopes_named
from academe.lrs.senders.types import Scope

FORM: Final = "application/x-www-form-urlencoded"
LARGEST_BODY_BYTES: Final = 8_192
"""More is refused; a request has some hundred bytes."""

_MOST_FIELDS: Final = 20
_NOT_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="xAPI", charset="UTF-8"'}


class GrantRefusal(Exception):  # noqa: N818 - raised and caught in this file only
    """No token is given; `error` is one of the words of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


async def grant_token(credentials: Credentials, *, authorization: str | None, content_type: str, body: bytes) -> Answer:
    """Answer a POST to the token endpoint: 200 with a token, 400 or 401 with an error of RFC 6749, section 5.2."""
    try:
        form = _form(content_type, body)
        known = await _authenticated(credentials, authorization, form)
        grant = form.get("grant_type")
        if grant is None:
            raise GrantRefusal("invalid_request", "grant_type is missing; it is client_credentials here.")
        if grant != "client_credentials":
            raise GrantRefusal("unsupported_grant_type", "The only grant_type here is client_credentials.")
        scopes = _scopes(form.get("scope"), known.sender.scopes)
    except GrantRefusal as refusal:
        return _refused(refusal)
    token, seconds = credentials.token_for(known, scopes)
    scope = " ".join(in_order(scopes))
    return _answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope})


def _form(content_type: str, body: bytes) -> Mapping[str, str]:
    """The parameters that have a value; the others count as left out (RFC 6749, section 3.2)."""
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise GrantRefusal("invalid_request", f"The body must be a form, with the Content-Type {FORM}.")
    if len(body) > LARGEST_BODY_BYTES:
        raise GrantRefusal("invalid_request", f"The form must not be larger than {LARGEST_BODY_BYTES} bytes.")
    try:
        fields = parse_qsl(body.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise GrantRefusal("invalid_request", "The form cannot be read.") from error
    form = dict(fields)
    if len(form) < len(fields):
        raise GrantRefusal("invalid_request", "A parameter must not be given twice.")
    return form


async def _authenticated(credentials: Credentials, authorization: str | None, form: Mapping[str, str]) -> KnownSender:
    try:
        return await credentials.sender_with(*_pair(authorization, form))
    except CredentialsRefusedError as error:
        raise GrantRefusal("invalid_client", "There is no sender with this key and secret.") from error


def _pair(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret, from the header or from the form, but not from both (RFC 6749, section 2.3)."""
    key, secret = form.get("client_id"), form.get("client_secret")
    if authorization is None:
        if key is None or secret is None:
            raise GrantRefusal("invalid_client", "Give Basic credentials, or client_id and client_secret in the form.")
        return key, secret
    named, of_header = _basic_pair(authorization)
    if secret is not None or key not in {None, named}:
        raise GrantRefusal("invalid_request", "Give the credentials once: in the header or in the form.")
    return named, of_header


def _basic_pair(authorization: str) -> tuple[str, str]:
    """What stands in Basic credentials, where OAuth wants both halves encoded as in a form (RFC 6749, 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise GrantRefusal("invalid_client", "The only kind of credentials here is Basic.")
    try:
        pair = base64.b64decode(encoded.strip().encode("ascii"), validate=True).decode()
    except ValueError as error:
        raise GrantRefusal("invalid_client", "The Basic credentials cannot be read.") from error
    key, _, secret = pair.partition(":")
    return unquote_plus(key), unquote_plus(secret)


def _scopes(asked: str | None, held: frozenset[Scope]) -> frozenset[Scope]:
    if asked is None or not asked.strip():
        return held
    try:
        scopes = scopes_named(asked.split())
    except UnknownScopeError as error:
        raise GrantRefusal("invalid_scope", "A scope is asked for that does not exist.") from error
    if not scopes <= everything_in(held):
        raise GrantRefusal("invalid_scope", "A scope is asked for that the sender does not hold.")
    return scopes


def _refused(refusal: GrantRefusal) -> Answer:
    told = {"error": refusal.error, "error_description": refusal.description}
    if refusal.error == "invalid_client":
        return _answer(401, told, _CHALLENGE)
    return _answer(400, told)


def _answer(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(content).encode(), headers={**_NOT_KEPT, **(headers or {})})
