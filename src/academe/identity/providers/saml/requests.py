"""What we tell a provider: our metadata, and that somebody should be signed in (HTTP redirect binding)."""

import base64
import zlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from lxml import etree

from academe.platform import clock

PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@dataclass(frozen=True, slots=True)
class OurAddresses:
    """Our name to a provider, which is where our metadata are, and where it sends browsers with its answer."""

    entity_id: str
    consumer: str


def metadata(ours: OurAddresses) -> bytes:
    """What a provider reads of us (Metadata, section 2.4.4)."""
    root = etree.Element(f"{{{METADATA}}}EntityDescriptor", {"entityID": ours.entity_id}, nsmap={None: METADATA})
    told = {"protocolSupportEnumeration": PROTOCOL, "WantAssertionsSigned": "true", "AuthnRequestsSigned": "false"}
    descriptor = etree.SubElement(root, f"{{{METADATA}}}SPSSODescriptor", told)
    etree.SubElement(descriptor, f"{{{METADATA}}}NameIDFormat").text = PERSISTENT
    consumer = {"Binding": POST, "Location": ours.consumer, "index": "0", "isDefault": "true"}
    etree.SubElement(descriptor, f"{{{METADATA}}}AssertionConsumerService", consumer)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return document


def address_to_ask(sso_url: str, ours: OurAddresses, request_id: str) -> str:
    """Where a browser is sent to (Bindings, section 3.4.4.1); `request_id` comes back as InResponseTo.

    There is no RelayState: where somebody wants to go is kept here, and nobody can change it on the way.
    """
    request = etree.Element(
        f"{{{PROTOCOL}}}AuthnRequest",
        {
            "ID": request_id,
            "Version": "2.0",
            "IssueInstant": f"{clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "Destination": sso_url,
            "AssertionConsumerServiceURL": ours.consumer,
            "ProtocolBinding": POST,
        },
        nsmap={"samlp": PROTOCOL, "saml": ASSERTION},
    )
    etree.SubElement(request, f"{{{ASSERTION}}}Issuer").text = ours.entity_id
    etree.SubElement(request, f"{{{PROTOCOL}}}NameIDPolicy", {"AllowCreate": "true"})
    deflated = zlib.compress(etree.tostring(request))[2:-4]  # without the frame of RFC 1950
    joint = "&" if "?" in sso_url else "?"
    return f"{sso_url}{joint}{urlencode({'SAMLRequest': base64.b64encode(deflated).decode()})}"
