"""SAML providers for tests: npm's saml-idp as a process of its own, and one that signs whatever a test wants."""

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

P = "urn:oasis:names:tc:SAML:2.0:protocol"
A = "urn:oasis:names:tc:SAML:2.0:assertion"
FOLDER = Path(__file__).parent / "saml_idp"


@dataclass
class MadeSaml:
    """A provider that signs with its key; `fields` change what it says."""

    issuer: str = "https://idp.example/entity"
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    @property
    def certificate(self) -> str:
        """Its certificate in the PEM form."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        begins = datetime.now(UTC) - timedelta(days=1)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(7)
            .not_valid_before(begins)
            .not_valid_after(begins + timedelta(days=900))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(Encoding.PEM).decode()

    def response(self, request_id: str, consumer: str, audience: str, /, **changes: Any) -> Any:
        """A response with an unsigned assertion."""
        now = datetime.now(UTC)
        said: dict[str, Any] = {
            "issuer": self.issuer,
            "subject": "subject",
            "format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            "audience": audience,
            "recipient": consumer,
            "request_id": request_id,
            "begins": now - timedelta(seconds=5),
            "ends": now + timedelta(minutes=5),
            "until": now + timedelta(minutes=5),
            "address": "",
            "context": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
            "id": f"_a{time.monotonic_ns()}",
            "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
            "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
            "destination": consumer,
            **changes,
        }
        for name in ("begins", "ends", "until"):
            said[name] = f"{said[name]:%Y-%m-%dT%H:%M:%SZ}"
        attribute = f"<a:AttributeValue>{said['address']}</a:AttributeValue>"
        text = f"""<p:Response xmlns:p="{P}" xmlns:a="{A}" ID="_r{said["id"]}" Version="2.0"
 IssueInstant="{said["begins"]}" Destination="{said["destination"]}" InResponseTo="{said["request_id"]}"><a:Issuer>{said["issuer"]}</a:Issuer><p:Status><p:StatusCode Value="{said["status"]}"/></p:Status><a:Assertion ID="{said["id"]}" Version="2.0" IssueInstant="{said["begins"]}"><a:Issuer>{said["issuer"]}</a:Issuer><a:Subject><a:NameID Format="{said["format"]}">{said["subject"]}</a:NameID><a:SubjectConfirmation Method="{said["method"]}"><a:SubjectConfirmationData NotOnOrAfter="{said["until"]}" Recipient="{said["recipient"]}" InResponseTo="{said["request_id"]}"/></a:SubjectConfirmation></a:Subject><a:Conditions NotBefore="{said["begins"]}" NotOnOrAfter="{said["ends"]}"><a:AudienceRestriction><a:Audience>{said["audience"]}</a:Audience></a:AudienceRestriction></a:Conditions><a:AuthnStatement AuthnInstant="{said["begins"]}" SessionIndex="s1"><a:AuthnContext><a:AuthnContextClassRef>{said["context"]}</a:AuthnContextClassRef></a:AuthnContext></a:AuthnStatement><a:AttributeStatement><a:Attribute Name="mail">{attribute}</a:Attribute></a:AttributeStatement></a:Assertion></p:Response>"""  # noqa: E501 - blanks would be part of what is signed
        return etree.fromstring(text.encode())

    def sign(self, element: Any, **how: Any) -> Any:
        """The element with a signature as its second child, as the schema has it."""
        signer = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#", **how)
        signed = signer.sign(
            etree.fromstring(etree.tostring(element)),
            key=self.key,
            cert=self.certificate,
            reference_uri=f"#{element.get('ID')}",
        )
        signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
        signed.insert(1, signature)
        return signed

    def signed(self, response: Any, **how: Any) -> Any:
        """The response with its assertion signed."""
        assertion = response.find(f"{{{A}}}Assertion")
        response.replace(assertion, self.sign(assertion, **how))
        return response


def posted(response: Any) -> str:
    """A response as a browser posts it."""
    return base64.b64encode(etree.tostring(response)).decode()


@contextmanager
def independent_saml(folder: Path, provider: MadeSaml, consumer: str, audience: str) -> Iterator[str]:
    """The address of a running saml-idp that signs with the provider's key; skips where there is no Node."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("saml-idp needs Node")
    if not (FOLDER / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--omit=dev", "--ignore-scripts"], cwd=FOLDER, check=True, capture_output=True)
    (folder / "key.pem").write_bytes(provider.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "cert.pem").write_text(provider.certificate)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(node, str(FOLDER / "node_modules/saml-idp/bin/run.js"), "--port", str(port), "--host", "127.0.0.1"),
        *("--issuer", provider.issuer, "--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")),
        *("--acsUrl", consumer, "--audience", audience),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not _answers(url):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("saml-idp did not start")
            time.sleep(0.1)
        yield f"{url}/saml/sso"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/metadata", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
