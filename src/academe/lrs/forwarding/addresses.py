"""Where a forward may go: an administrator names the address, and it must not lead to what only this machine reaches.

An address is resolved here and every result is looked at, for each request; the connection then goes to what was looked
at and to nothing else, so that a name which answers differently the next time gains nothing. Certificates are checked
against the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

import httpx

from academe.lrs.forwarding.models import LONGEST_ENDPOINT
from academe.platform.settings import Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_TRANSLATED: Final = ip_network("64:ff9b::/96")
"""Addresses that a gateway translates to those of IPv4 (RFC 6052)."""

_SCHEMES: Final = {"https": 443, "http": 80}


class AddressRefusedError(OSError):
    """The address leads to where forwards may not go; the text is for the page of the forward."""


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
    if parts.scheme not in _SCHEMES or not host:
        raise ValueError("Please give an address, such as https://lrs.example.org/xapi.")
    if parts.username or parts.password or parts.query or parts.fragment or "?" in endpoint or "#" in endpoint:
        raise ValueError("Please give the address alone: credentials have their own fields.")
    if endpoint == f"{settings.public_url.rstrip('/')}/xapi":
        raise ValueError("This is the address of this store itself.")
    address = _literal(host)
    if address is not None:
        try:
            require_allowed(host, [address], secure=parts.scheme == "https", settings=settings)
        except AddressRefusedError as error:
            raise ValueError(str(error)) from error
    elif parts.scheme == "http" and settings.is_production and not settings.xapi_forward_networks:
        raise ValueError("Please give an address that starts with https://; credentials would travel in clear.")
    return endpoint


def require_allowed(host: str, addresses: Sequence[Address], *, secure: bool, settings: Settings) -> None:
    """Raise AddressRefusedError unless each address may be connected to.

    Public ones may, in production over TLS only; those of ACADEME_XAPI_FORWARD_NETWORKS always, and in development this
    machine and private networks. Link-local addresses, where clouds keep credentials, only by the setting.
    """
    for address in addresses:
        plain = _unwrapped(address)
        if any(plain in network for network in settings.forward_networks):
            continue
        is_public = plain.is_global and not plain.is_multicast and not getattr(plain, "is_site_local", False)
        is_near = (plain.is_loopback or plain.is_private) and not (plain.is_link_local or plain.is_unspecified)
        if not is_public and (settings.is_production or not is_near):
            raise AddressRefusedError(
                f"{host} is not an address of the public internet; ACADEME_XAPI_FORWARD_NETWORKS can allow it."
            )
        if is_public and settings.is_production and not secure:
            raise AddressRefusedError("Credentials would travel in clear; the address must start with https://.")


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: the authorities of SSL_CERT_FILE or SSL_CERT_DIR, else those of browsers."""
    return httpx.create_ssl_context()


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends requests to addresses that were looked at, the first that can be reached."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # A transport knows no proxy of the environment, which would resolve names itself and reach what it reaches.
        self._inner = httpx.AsyncHTTPTransport(verify=trusted(), limits=httpx.Limits(max_connections=1))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, look, connect; the name stays in the Host header and in the check of the certificate."""
        host = request.url.host
        secure = request.url.scheme == "https"
        addresses = await _resolved(host, request.url.port or _SCHEMES[request.url.scheme])
        require_allowed(host, addresses, secure=secure, settings=self._settings)
        failed: httpx.ConnectError | httpx.ConnectTimeout | None = None
        for address in addresses:
            there = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, **({"sni_hostname": host} if secure else {})},
            )
            try:
                return await self._inner.handle_async_request(there)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failed = error
        raise failed or httpx.ConnectError("the name has no address")

    async def aclose(self) -> None:
        """Close the connection."""
        await self._inner.aclose()


async def _resolved(host: str, port: int) -> list[Address]:
    literal = _literal(host)
    if literal is not None:
        return [literal]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise httpx.ConnectError("the name cannot be resolved") from error
    # A scope (`fe80::1%eth0`) belongs to link-local addresses, which are refused without it too.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if not isinstance(address, IPv6Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address
