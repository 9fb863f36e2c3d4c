"""Signed statements (XAPI-00115 to XAPI-00117)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.lrs.xapi.signature import require_signatures
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version
from tests.lrs.xapi.samples import BOTH, full, simple

KEY, OTHER_KEY = (generate_private_key(65537, 2048) for _ in range(2))
HASHES: dict[str, hashes.HashAlgorithm] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}


def encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def certificate(subject: str, issuer: str, key: Any, issuer_key: RSAPrivateKey) -> str:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).serial_number(1)
    built = builder.public_key(key.public_key()).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return base64.b64encode(built.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)).decode()


LEAF = certificate("Signer", "Authority", KEY, OTHER_KEY)
AUTHORITY = certificate("Authority", "Authority", OTHER_KEY, OTHER_KEY)
ON_A_CURVE = certificate("Signer", "Authority", generate_curve_key(SECP256R1()), OTHER_KEY)


def signature(
    payload: bytes, *, algorithm: str = "RS256", header: Mapping[str, object] | None = None, key: RSAPrivateKey = KEY
) -> bytes:
    head = encoded(json.dumps({"alg": algorithm, **(header or {})}).encode())
    signed = head + b"." + encoded(payload)
    if algorithm in HASHES:
        value = key.sign(signed, PKCS1v15(), HASHES[algorithm])
    else:
        code = hmac.HMAC(b"secret", hashes.SHA256())
        code.update(signed)
        value = code.finalize()
    return signed + b"." + encoded(value)


def require(statement: dict[str, Any], data: bytes, version: Version = Version.TWO) -> None:
    sha2 = hashlib.sha256(data).hexdigest()
    described = {
        "usageType": "http://adlnet.gov/expapi/attachments/signature",
        "display": {"en": "Signature"},
        "contentType": "application/octet-stream",
        "length": len(data),
        "sha2": sha2,
    }
    signed = {**statement, "attachments": [*statement.get("attachments", []), described]}
    require_signatures(checked(signed, version), version, {sha2: Attachment(sha2, None, data)}, at="/2")


def text_of(statement: dict[str, Any]) -> bytes:
    return json.dumps(statement).encode()


@pytest.mark.parametrize("algorithm", HASHES)
@pytest.mark.parametrize("version", BOTH)
def test_a_signature_of_the_statement_is_taken(algorithm: str, version: Version) -> None:
    require(full(version), signature(text_of(full(version)), algorithm=algorithm), version)
    chain = {"x5c": [LEAF, AUTHORITY]}
    require(simple(), signature(text_of(simple()), algorithm=algorithm, header=chain), version)


def test_a_signature_of_the_same_statement_in_another_form_is_taken() -> None:
    require(simple() | {"id": "6d969975-8d7e-4506-ac19-877c57f2921a"}, signature(text_of(simple())) + b"\r\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "compact form", id="XAPI-00115 empty"),
        pytest.param(b"a.b", "compact form", id="XAPI-00115 two parts"),
        pytest.param(b'{"payload": "e30"}', "compact form", id="XAPI-00115 JSON serialization"),
        pytest.param(b"e.e.e", "must be base64url", id="XAPI-00115 no base64"),
        pytest.param(encoded(b"[]") + b".e30.e30", "algorithm", id="XAPI-00115 header is no object"),
        pytest.param(encoded(b"\xff") + b".e30.e30", "UTF-8", id="XAPI-00115 header is no text"),
        pytest.param(signature(b"{'actor'"), "must be JSON", id="XAPI-00116 payload is no JSON"),
        pytest.param(signature(b"[]"), "breaks a rule", id="XAPI-00116 payload is no statement"),
        pytest.param(
            signature(text_of(simple() | {"result": {"success": True}})), "differ at /result", id="XAPI-00116 another"
        ),
        pytest.param(signature(text_of(simple()), algorithm="HS256"), "RS256", id="XAPI-00117 HS256"),
        pytest.param(signature(text_of(simple()), header={"alg": "none"}), "RS256", id="XAPI-00117 none"),
        pytest.param(signature(text_of(simple()), header={"alg": ["RS256"]}), "RS256", id="XAPI-00117 no name"),
        pytest.param(signature(text_of(simple()), header={"crit": ["b64"]}), "crit", id="XAPI-00117 crit"),
        pytest.param(
            signature(text_of(simple()), header={"x5c": [LEAF]}, key=OTHER_KEY), "key of its first", id="other key"
        ),
        pytest.param(signature(text_of(simple()), header={"x5c": [LEAF, LEAF]}), "issued by the next", id="chain"),
        pytest.param(signature(text_of(simple()), header={"x5c": [ON_A_CURVE]}), "RSA key", id="no RSA"),
        pytest.param(signature(text_of(simple()), header={"x5c": []}), "array of 1", id="no certificate"),
        pytest.param(signature(text_of(simple()), header={"x5c": LEAF}), "array of 1", id="no array"),
        pytest.param(signature(text_of(simple()), header={"x5c": [1]}), "base64 of their DER", id="no text"),
        pytest.param(signature(text_of(simple()), header={"x5c": ["AAAA"]}), "base64 of their DER", id="no DER"),
        pytest.param(signature(text_of(simple()), header={"x5c": ["!"]}), "base64 of their DER", id="no base64"),
    ],
)
def test_what_is_no_signature_of_the_statement_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(XapiFault, match=message) as refusal:
        require(simple(), data)
    assert refusal.value.pointer == "/2/attachments/0"


def test_a_signature_that_did_not_come_along_is_refused() -> None:
    described = {
        "usageType": "http://adlnet.gov/expapi/attachments/signature",
        "sha2": "0" * 64,
        "fileUrl": "https://example.com/signature",
    }
    with pytest.raises(XapiFault, match="must come along"):
        require_signatures(simple() | {"attachments": [described]}, Version.TWO, {})


def test_other_attachments_are_no_signatures() -> None:
    require_signatures(full(Version.TWO), Version.TWO, {})
