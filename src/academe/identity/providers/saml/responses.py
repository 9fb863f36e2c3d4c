"""What a provider answers (Core, sections 2 and 3.3; Profiles, section 4.1.4.3): read only where it is signed."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidInput, InvalidSignature
from signxml.verifier import SignatureConfiguration, XMLVerifier

from academe.identity.providers.errors import SignInNotFinishedError
from academe.identity.providers.saml.requests import ASSERTION, PROTOCOL, OurAddresses
from academe.identity.providers.types import LONGEST_SUBJECT, Shown
from academe.platform import clock
from academe.platform.logging import get_logger

SKEW: Final = timedelta(minutes=1)
"""How far the provider's clock may be from ours."""

LONGEST_VALIDITY: Final = timedelta(hours=1)
"""How long an assertion may be good for at most; it is kept in mind so long that it counts once."""

_LONGEST: Final = 256 * 1024
_NAMES: Final = {"p": PROTOCOL, "a": ASSERTION, "ds": "http://www.w3.org/2000/09/xmldsig#"}
_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_LASTING: Final = ("urn:oasis:names:tc:SAML:attribute:pairwise-id", "urn:oasis:names:tc:SAML:attribute:subject-id")
_ADDRESSES: Final = (
    *("email", "mail", "urn:oid:0.9.2342.19200300.100.1.3"),
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
_CONFIGURATION: Final = SignatureConfiguration(
    require_x509=True,
    location="./",
    expect_references=1,
    signature_methods=frozenset(
        {
            *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
            *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384, SignatureMethod.ECDSA_SHA512),
            *(SignatureMethod.SHA256_RSA_MGF1, SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1),
        }
    ),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
    ignore_ambiguous_key_info=True,
)
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Answered:
    """Who was signed in, in answer to which request; `assertion_id` counts once, until `ends_at`."""

    request_id: str
    assertion_id: str
    ends_at: datetime
    shown: Shown


def answer_of(encoded: str, *, issuer: str, certificates: Sequence[Certificate], ours: OurAddresses) -> Answered:
    """What a response says. Raises SignInNotFinishedError for whatever does not hold; the log says what."""
    assertion = _signed_assertion(_only_assertion(encoded, issuer, ours), certificates)
    if _text(assertion, "./a:Issuer") != issuer:
        raise _refused("issuer")
    now = clock.now()
    conditions = _one(assertion, "./a:Conditions")
    begins, ends = _moment(conditions, "NotBefore"), _moment(conditions, "NotOnOrAfter")
    if begins is not None and now + SKEW < begins:
        raise _refused("not yet")
    audiences = [each.text for each in _all(conditions, "./a:AudienceRestriction/a:Audience")]
    if ours.entity_id not in audiences:
        raise _refused("audience")
    confirmed = _one(assertion, f"./a:Subject/a:SubjectConfirmation[@Method='{_BEARER}']/a:SubjectConfirmationData")
    until = _moment(confirmed, "NotOnOrAfter")
    if until is None or now - SKEW >= min(until, ends or until) or until > now + LONGEST_VALIDITY + SKEW:
        raise _refused("too late")
    if confirmed.get("Recipient") != ours.consumer:
        raise _refused("recipient")
    request_id, assertion_id = confirmed.get("InResponseTo"), assertion.get("ID")
    if not request_id or not assertion_id:
        raise _refused("unasked")
    return Answered(str(request_id), str(assertion_id)[:LONGEST_SUBJECT], until + SKEW, _shown(assertion))


def _only_assertion(encoded: str, issuer: str, ours: OurAddresses) -> Any:
    """The one assertion of a response that is for us; what has two of anything is refused before it is read."""
    if len(encoded) > _LONGEST:
        raise _refused("length")
    try:
        raw = base64.b64decode("".join(encoded.split()).encode("ascii"), validate=True)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
        root = etree.fromstring(raw, parser)
    except (ValueError, etree.XMLSyntaxError) as error:
        raise _refused("form") from error
    if root.getroottree().docinfo.doctype or root.tag != f"{{{PROTOCOL}}}Response":
        raise _refused("no response")
    if _all(root, ".//a:EncryptedAssertion"):
        raise SignInNotFinishedError("The provider encrypts what it says, which is not understood here.")
    status = _all(root, "./p:Status/p:StatusCode")
    if [each.get("Value") for each in status] != [_SUCCESS]:
        raise SignInNotFinishedError("The provider did not sign you in.")
    destination, told = root.get("Destination"), _all(root, "./a:Issuer")
    if destination not in {None, ours.consumer} or [each.text for each in told] not in ([], [issuer]):
        raise _refused("destination or issuer of the response")
    everywhere, own = _all(root, "//a:Assertion"), _all(root, "./a:Assertion")
    if len(everywhere) != 1 or everywhere != own or len(_all(root, "//p:Response")) != 1:
        raise _refused("several assertions or none of its own")
    return own[0]


def _signed_assertion(assertion: Any, certificates: Sequence[Certificate]) -> Any:
    """What the signature of an assertion covers, which must be the whole of it."""
    alone = etree.tostring(assertion, method="c14n", exclusive=False)
    for certificate in certificates:
        try:
            found = XMLVerifier().verify(alone, x509_cert=certificate, expect_config=_CONFIGURATION)
        except (InvalidInput, InvalidSignature, ValueError, etree.LxmlError) as error:
            _log.info("saml.signature_refused", why=type(error).__name__)
            continue
        signed = None if isinstance(found, list) else found.signed_xml
        if signed is not None and signed.tag == f"{{{ASSERTION}}}Assertion" and signed.get("ID") == assertion.get("ID"):
            return signed
    raise _refused("signature")


def _shown(assertion: Any) -> Shown:
    attributes = {
        str(each.get("Name")): [(value.text or "").strip() for value in _all(each, "./a:AttributeValue")]
        for each in _all(assertion, "./a:AttributeStatement/a:Attribute")
    }
    name = _all(assertion, "./a:Subject/a:NameID")
    named = [each.text or "" for each in name if each.get("Format") != _TRANSIENT]
    subjects = [*(value for key in _LASTING for value in attributes.get(key, [])), *named]
    subject = next((each.strip() for each in subjects if each.strip()), "")
    if len(name) != 1 or not 1 <= len(subject) <= LONGEST_SUBJECT:
        raise _refused("nobody who is known by a lasting name")
    statements = _all(assertion, "./a:AuthnStatement")
    if not statements:
        raise _refused("no statement of signing in")
    proofs = [each.text or "" for each in _all(statements[0], "./a:AuthnContext/a:AuthnContextClassRef")]
    addresses = [value for key in _ADDRESSES for value in attributes.get(key, [])]
    session = statements[0].get("SessionIndex")
    return Shown(subject, addresses[0] if addresses else None, session, frozenset(proofs))


def _all(element: Any, path: str) -> list[Any]:
    found: list[Any] = element.xpath(path, namespaces=_NAMES)
    return found


def _one(element: Any, path: str) -> Any:
    found = _all(element, path)
    if len(found) != 1:
        raise _refused(path)
    return found[0]


def _text(element: Any, path: str) -> str:
    return str(_one(element, path).text or "")


def _moment(element: Any, name: str) -> datetime | None:
    value = element.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise _refused(name) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refused(why: str) -> SignInNotFinishedError:
    _log.warning("saml.refused", why=why)
    return SignInNotFinishedError()
