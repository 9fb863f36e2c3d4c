"""Where a forward may go: an administrator names the address, and it must not lead into this network."""

from urllib.parse import urlsplit

import httpx

from academe.lrs.forwarding.models import LONGEST_ENDPOINT
from academe.platform.http.outbound import SCHEMES, AddressRefusedError, Reach, literal_address
from academe.platform.settings import Settings


def reach_of(settings: Settings) -> Reach:
    """Where statements may be forwarded."""
    return Reach(settings.forward_networks, "ACADEME_XAPI_FORWARD_NETWORKS", settings.is_production)


def checked_endpoint(text: str, settings: Settings) -> str:
    """The address above `/statements`, without a slash at its end; ValueError says what is wrong with it.

    Addresses of the form `https://10.0.0.1` are looked at already here, names only when they are used.
    """
    endpoint = text.strip().rstrip("/").removesuffix("/statements").rstrip("/")
    if len(endpoint) > LONGEST_ENDPOINT or any(not "!" <= letter <= "~" for letter in endpoint):
        raise ValueError(f"Please give an address of at most {LONGEST_ENDPOINT} printable ASCII characters.")
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
        httpx.URL(endpoint)
    except (ValueError, httpx.InvalidURL) as error:
        raise ValueError("Please give an address, such as https://lrs.example.org/xapi.") from error
    if parts.scheme not in SCHEMES or not host:
        raise ValueError("Please give an address, such as https://lrs.example.org/xapi.")
    if parts.username or parts.password or parts.query or parts.fragment or "?" in endpoint or "#" in endpoint:
        raise ValueError("Please give the address alone: credentials have their own fields.")
    if endpoint == f"{settings.public_url.rstrip('/')}/xapi":
        raise ValueError("This is the address of this store itself.")
    address = literal_address(host)
    if address is not None:
        try:
            reach_of(settings).require(host, [address], secure=parts.scheme == "https")
        except AddressRefusedError as error:
            raise ValueError(str(error)) from error
    elif parts.scheme == "http" and settings.is_production and not settings.xapi_forward_networks:
        raise ValueError("Please give an address that starts with https://; credentials would travel in clear.")
    return endpoint
