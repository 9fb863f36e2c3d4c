"""Requests of ours to addresses that somebody has entered, which must not lead to what only this machine reaches.

An address is resolved here and every result is looked at, for each request; the connection then goes to what was looked
at and to nothing else, so that a name which answers differently the next time gains nothing. Certificates are checked
against the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

import httpx

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SCHEMES: Final = {"https": 443, "http": 80}
"""What addresses may begin with, and the ports that they stand for."""

_TRANSLATED: Final = ip_network("64:ff9b::/96")
"""Addresses that a gateway translates to those of IPv4 (RFC 6052)."""


class AddressRefusedError(OSError):
    """The address leads to where requests may not go; the text is for whoever entered it."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where requests may go: the public internet, `networks` always, and in development what is near.

    `setting` is the name of the setting with those networks, for the words of a refusal.
    """

    networks: Sequence[Network]
    setting: str
    is_production: bool

    def require(self, host: str, addresses: Sequence[Address], *, secure: bool) -> None:
        """Raise AddressRefusedError unless each address may be connected to.

        Public ones may, in production over TLS only; those of the setting always, and in development this machine and
        private networks. Link-local addresses, where clouds keep credentials, only by the setting.
        """
        for address in addresses:
            plain = _unwrapped(address)
            if any(plain in network for network in self.networks):
                continue
            is_public = plain.is_global and not plain.is_multicast and not getattr(plain, "is_site_local", False)
            is_near = (plain.is_loopback or plain.is_private) and not (plain.is_link_local or plain.is_unspecified)
            if not is_public and (self.is_production or not is_near):
                raise AddressRefusedError(
                    f"{host} is not an address of the public internet; {self.setting} can allow it."
                )
            if is_public and self.is_production and not secure:
                raise AddressRefusedError("Credentials would travel in clear; the address must start with https://.")


def checked_address(text: str, reach: Reach, *, longest: int, example: str, with_query: bool = False) -> str:
    """An address that somebody has entered, as it is kept; ValueError says what is wrong with it.

    Addresses of the form `https://10.0.0.1` are looked at already here, names only when they are used.
    """
    entered = text.strip()
    if len(entered) > longest or any(not "!" <= letter <= "~" for letter in entered):
        raise ValueError(f"Please give an address of at most {longest} printable ASCII characters.")
    try:
        parts = urlsplit(entered)
        host, _ = parts.hostname, parts.port
        httpx.URL(entered)
    except (ValueError, httpx.InvalidURL) as error:
        raise ValueError(f"Please give an address, such as {example}.") from error
    if parts.scheme not in SCHEMES or not host:
        raise ValueError(f"Please give an address, such as {example}.")
    if parts.username or parts.password or "#" in entered or ("?" in entered and not with_query):
        raise ValueError("Please give the address alone: credentials are not part of it.")
    address = literal_address(host)
    if address is not None:
        try:
            reach.require(host, [address], secure=parts.scheme == "https")
        except AddressRefusedError as error:
            raise ValueError(str(error)) from error
    elif parts.scheme == "http" and reach.is_production and not reach.networks:
        raise ValueError("Please give an address that starts with https://; what is sent would travel in clear.")
    return entered


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: the authorities of SSL_CERT_FILE or SSL_CERT_DIR, else those of browsers."""
    return httpx.create_ssl_context()


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends requests to addresses that were looked at, the first that can be reached."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        # A transport knows no proxy of the environment, which would resolve names itself and reach what it reaches.
        self._inner = httpx.AsyncHTTPTransport(verify=trusted(), limits=httpx.Limits(max_connections=1))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, look, connect; the name stays in the Host header and in the check of the certificate."""
        host = request.url.host
        secure = request.url.scheme == "https"
        addresses = await _resolved(host, request.url.port or SCHEMES[request.url.scheme])
        self._reach.require(host, addresses, secure=secure)
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
    literal = literal_address(host)
    if literal is not None:
        return [literal]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise httpx.ConnectError("the name cannot be resolved") from error
    # A scope (`fe80::1%eth0`) belongs to link-local addresses, which are refused without it too.
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def literal_address(host: str) -> Address | None:
    """The address that a host is written as; None for a name."""
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
