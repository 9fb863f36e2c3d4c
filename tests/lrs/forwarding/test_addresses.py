"""Where forwards may go: what people enter must not lead to what only this machine reaches."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from academe.lrs.forwarding.addresses import checked_endpoint, reach_of
from academe.lrs.forwarding.types import ForwardState
from academe.platform.http import outbound
from academe.platform.http.outbound import AddressRefusedError
from academe.platform.settings import Environment, Settings
from tests.lrs.forwarding.misbehaving import accepting, misbehaving
from tests.lrs.forwarding.stores import Here, statement

pytestmark = pytest.mark.anyio

NEVER = (
    *("169.254.169.254", "0.0.0.0", "224.0.0.1", "::", "fe80::1", "fec0::1", "ff02::1"),  # noqa: S104 - nothing listens
    *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
)
NEAR = ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")
PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def production(settings: Settings, *networks: str) -> Settings:
    changed = settings.model_copy(update={"environment": Environment.PRODUCTION, "xapi_forward_networks": networks})
    changed.__dict__.pop("forward_networks", None)
    assert changed.is_production
    return changed


def is_allowed(address: str, settings: Settings, *, secure: bool = True) -> bool:
    try:
        reach_of(settings).require("lrs.example", [ip_address(address)], secure=secure)
    except AddressRefusedError:
        return False
    return True


class TestAddresses:
    def test_in_production_only_the_public_internet_over_tls(self, settings: Settings) -> None:
        strict = production(settings)
        for address in (*NEVER, *NEAR, "100.64.0.1"):
            assert not is_allowed(address, strict), address
        for address in PUBLIC:
            assert is_allowed(address, strict)
            assert not is_allowed(address, strict, secure=False), address

    def test_in_development_this_machine_and_private_networks_too(self, settings: Settings) -> None:
        for address in (*NEAR, *PUBLIC):
            assert is_allowed(address, settings, secure=False), address
        for address in NEVER:
            assert not is_allowed(address, settings), address

    def test_networks_of_ours_can_be_allowed(self, settings: Settings) -> None:
        ours = production(settings, "10.1.0.0/16", "fd00::/8")
        for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1"):
            assert is_allowed(address, ours, secure=False), address
        for address in ("10.2.0.1", "127.0.0.1", "169.254.169.254"):
            assert not is_allowed(address, ours), address

    def test_one_address_that_is_refused_refuses_the_name(self, settings: Settings) -> None:
        both = [ip_address(PUBLIC[0]), ip_address("127.0.0.1")]
        with pytest.raises(AddressRefusedError):
            reach_of(production(settings)).require("lrs.example", both, secure=True)

    def test_what_people_enter(self, settings: Settings) -> None:
        for given in ("https://lrs.example/xapi", " https://lrs.example/xapi/ ", "https://lrs.example/xapi/statements"):
            assert checked_endpoint(given, settings) == "https://lrs.example/xapi"
        strict = production(settings)
        for wrong in (
            *(
                "",
                "lrs.example",
                "file:///etc/passwd",
                "gopher://lrs.example",
                "https://",
                "https://lrs.example:x/xapi",
            ),
            *("https://a:b@lrs.example/xapi", "https://lrs.example/xapi?a=b", "https://lrs.example/xapi#a"),
            *("https://lrs.example/x api", "https://lrs.example/ä", "https://" + "x" * 2000),
            *(
                "http://lrs.example/xapi",
                "https://127.0.0.1/xapi",
                "https://[::1]/xapi",
                "https://[fe80::1%25eth0]/xapi",
            ),
            f"{settings.public_url}/xapi",
        ):
            with pytest.raises(ValueError, match=r"Please give|address"):
                checked_endpoint(wrong, strict)


class TestConnections:
    async def test_a_name_that_leads_inside_is_not_connected_to(
        self, here: Here, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was one of the public internet when it was entered, and answers differently now."""
        await here.send(statement(1))
        here.database.settings = production(here.database.settings)
        async with misbehaving(accepting) as store:
            port = int(store.endpoint.split(":")[2].partition("/")[0])
            forward = await here.add_forward(
                f"https://lrs.example.org:{port}/xapi", since=datetime(2020, 1, 1, tzinfo=UTC)
            )
            resolved = asyncio.get_running_loop().getaddrinfo

            async def inside(host: Any, port: Any, **more: Any) -> Any:
                if host == "lrs.example.org":
                    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
                return await resolved(host, port, **more)

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)
            failing = await here.turn(forward)
            assert failing.state is ForwardState.FAILING
            assert "lrs.example.org is not an address of the public internet" in str(failing.failure)
            assert store.asked == []

    async def test_certificates_are_checked(self, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        await here.send(statement(1))
        for name, is_known, is_believed in (
            ("localhost", False, False),
            ("lrs.example.org", True, False),
            ("localhost", True, True),
        ):
            tls, authority = certified(tmp_path, name)
            if is_known:
                monkeypatch.setenv("SSL_CERT_FILE", str(authority))
            outbound.trusted.cache_clear()
            async with misbehaving(accepting, tls=tls) as store:
                forward = await here.add_forward(store.endpoint, since=datetime(2020, 1, 1, tzinfo=UTC))
                after = await here.turn(forward)
                assert (after.delivered == 1) == is_believed, name
                assert bool(store.asked) == is_believed, name
                assert is_believed or after.failure == "Its certificate cannot be trusted."


@pytest.fixture(autouse=True)
def _forget_authorities() -> Iterator[None]:
    yield
    outbound.trusted.cache_clear()


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """What a server of a name needs, and the file of the authority that says so."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain
