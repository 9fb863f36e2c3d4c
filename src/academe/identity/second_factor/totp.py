"""Time-based one-time passwords by RFC 6238 (SHA-1, 30 seconds, six digits: what every authenticator app does)."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

import segno
from markupsafe import Markup

STEP_SECONDS: Final = 30
DIGITS: Final = 6
WINDOW: Final = 1
"""Steps before and after the present one in which a code is accepted, for clocks that differ (RFC 6238, 5.2)."""

_SECRET_BYTES: Final = 20
"""As long as the hash, as RFC 4226 (section 4, R6) recommends."""


def new_secret() -> str:
    """A random secret in base 32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_of(moment: datetime) -> int:
    """The time step in which a moment lies, counted from 1970."""
    return int(moment.timestamp()) // STEP_SECONDS


def accepted_step(secret: str, code: str, *, now: datetime, after: int | None = None) -> int | None:
    """The time step whose code this is, if it is near enough and later than `after`; None when there is none."""
    present = step_of(now)
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and (after is None or step > after):
            found = step
    return found


def app_address(secret: str, *, holder: str, issuer: str) -> str:
    """The address that an app reads from the picture (Google Authenticator's "Key Uri Format")."""
    label = quote(f"{issuer.replace(':', ' ')}:{holder}", safe="@")
    values = {"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"


def picture_of(address: str) -> Markup:
    """The address as a QR code: inline SVG without styles, which our content security policy would refuse.

    Always dark on light, because many cameras read nothing else.
    """
    drawn = segno.make_qr(address, error="m").svg_inline(
        omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr-code", title="Picture for your app"
    )
    return Markup(drawn)  # noqa: S704 - made of numbers and a constant title; the address is in it only as squares
