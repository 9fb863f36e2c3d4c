"""A device with passkeys in a few lines: it makes keys and answers challenges as WebAuthn says, or as it should not."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    """Base64url without padding, as WebAuthn writes bytes in JSON."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Device:
    """One key for one site; `counter` goes up with every answer, and `verifies` says whether it asks for a finger."""

    origin: str
    host: str
    counter: int = 0
    verifies: bool = True
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    @property
    def credential_id(self) -> bytes:
        """Derived from the key, so that every device has its own."""
        numbers = self.key.public_key().public_numbers()
        return sha256(numbers.x.to_bytes(32)).digest()

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to options of registration (section 6.5, attestation `none`)."""
        numbers = self.key.public_key().public_numbers()
        # COSE_Key of an elliptic curve key for ES256 (RFC 9053, section 7.1.1).
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)})
        credential = bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + public
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": self._data(HAS_KEY) + credential})
        client = self._client("webauthn.create", options["challenge"])
        return self._written({"attestationObject": encoded(attestation), "clientDataJSON": encoded(client)})

    def answer(self, options: dict[str, Any], *, user_handle: str | None = None) -> dict[str, Any]:
        """The answer to options of authentication (section 6.3.3)."""
        self.counter += 1
        data, client = self._data(), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        response = {
            "authenticatorData": encoded(data),
            "clientDataJSON": encoded(client),
            "signature": encoded(signature),
            "userHandle": user_handle,
        }
        return self._written(response)

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _written(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encoded(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
