"""What browsers are told to refuse: foreign scripts, framing, sniffing, plain HTTP."""

from typing import Final

from academe.platform.settings import Settings

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_PERMISSIONS: Final = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
_TWO_YEARS_OF_HTTPS: Final = "max-age=63072000; includeSubDomains"

RawHeaders = tuple[tuple[bytes, bytes], ...]


def security_headers(settings: Settings) -> RawHeaders:
    """The headers of every answer, ready to be sent; HTTPS is insisted upon in production alone."""
    headers = {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": _PERMISSIONS,
    }
    if settings.is_production:
        headers["strict-transport-security"] = _TWO_YEARS_OF_HTTPS
    return tuple((name.encode(), value.encode()) for name, value in headers.items())
