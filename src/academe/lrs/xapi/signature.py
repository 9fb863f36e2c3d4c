"""Signed statements: a JSON web signature as an attachment (RFC 7515; xAPI 1.0.3: 2.6; 2.0: 4.2.6).

A signature is compact, of RS256, RS384 or RS512, and its payload is the statement before it was signed. When its
header brings certificates (`x5c`), the signature must be made with the key of the first one, and each must be issued by
the next one. Whether the certificates are to be trusted is for the reader to say; without any, nobody can say more than
that the signature is well-formed.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from academe.lrs.xapi.attachments import SIGNATURE_USAGE
from academe.lrs.xapi.comparison import difference
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.lrs.xapi.parsing import parsed_json
from academe.lrs.xapi.statement import checked
from academe.lrs.xapi.versions import Version

_ALGORITHMS: Final[dict[str, hashes.HashAlgorithm]] = {
    "RS256": hashes.SHA256(),
    "RS384": hashes.SHA384(),
    "RS512": hashes.SHA512(),
}
_COMPACT: Final = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)").fullmatch
_MOST_CERTIFICATES: Final = 10


def require_signatures(
    statement: Mapping[str, Any], version: Version, attachments: Mapping[str, Attachment], *, at: str = ""
) -> None:
    """Refuse a checked statement that brings a signature which is malformed, or of another statement.

    `at` is the pointer of the statement in the request. A signature with a fileUrl alone cannot be read and is refused.
    """
    for place, described in enumerate(statement.get("attachments", ())):
        if described["usageType"] == SIGNATURE_USAGE:
            pointer = f"{at}/attachments/{place}"
            attachment = attachments.get(described["sha2"].lower())
            if attachment is None:
                raise XapiFault(pointer, "The data of a signature must come along with its statement.")
            _require_signature(statement, version, attachment.data, pointer)


def _require_signature(statement: Mapping[str, Any], version: Version, data: bytes, pointer: str) -> None:
    match = _COMPACT(data.strip())
    if match is None:
        raise XapiFault(pointer, "A signature must be a JSON web signature in its compact form.")
    header = _json(match[1], "header", pointer)
    algorithm = header.get("alg") if isinstance(header, dict) else None
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise XapiFault(pointer, "A signature must be of the algorithm RS256, RS384 or RS512.")
    if "crit" in header:
        raise XapiFault(pointer, "A signature must not demand extensions of JSON web signatures (crit).")
    signed = _json(match[2], "payload", pointer)
    try:
        original = checked(signed, version)
    except XapiFault as fault:
        raise XapiFault(pointer, f"The signed statement breaks a rule at {fault.pointer or '/'}.") from None
    place = difference(original, statement, version)
    if place is not None:
        raise XapiFault(pointer, f"The signed statement must be the one that was sent; they differ at {place or '/'}.")
    signature = _decoded(match[3], "signature", pointer)
    if "x5c" in header:
        key = _key_of(header["x5c"], pointer)
        try:
            key.verify(signature, match[1] + b"." + match[2], PKCS1v15(), _ALGORITHMS[algorithm])
        except InvalidSignature:
            raise XapiFault(pointer, "The signature must be made with the key of its first certificate.") from None


def _decoded(part: bytes, name: str, pointer: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise XapiFault(pointer, f"The {name} of the signature must be base64url.") from None


def _json(part: bytes, name: str, pointer: str) -> Any:
    try:
        return parsed_json(_decoded(part, name, pointer), what=f"The {name} of the signature")
    except XapiFault as fault:
        raise XapiFault(pointer, fault.sentence) from None


def _key_of(chain: object, pointer: str) -> RSAPublicKey:
    """The key of the first certificate, if each is issued by the next one."""
    if not isinstance(chain, list) or not 1 <= len(chain) <= _MOST_CERTIFICATES:
        raise XapiFault(pointer, f"The x5c header must be an array of 1 to {_MOST_CERTIFICATES} certificates.")
    certificates = [_certificate(each, pointer) for each in chain]
    for certificate, issuer in pairwise(certificates):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise XapiFault(pointer, "Each certificate of the x5c header must be issued by the next one.") from None
    try:
        key = certificates[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise XapiFault(pointer, "The first certificate of the x5c header must hold an RSA key.")
    return key


def _certificate(text: object, pointer: str) -> x509.Certificate:
    fault = XapiFault(pointer, "The x5c header must hold certificates as base64 of their DER form.")
    if not isinstance(text, str):
        raise fault
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (ValueError, x509.InvalidVersion):
        raise fault from None
