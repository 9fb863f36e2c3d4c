"""Signatures of webhooks (Standard Webhooks 1.0, "Signature scheme" and "Signing secret serialization")."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

PREFIX: Final = "whsec_"
_BYTES: Final = 32
"""The specification asks for 24 to 64."""


def new_secret() -> str:
    """A secret as it is shown and kept: the prefix, then random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def message_id(delivery_id: UUID) -> str:
    """The `webhook-id` of a delivery, the same for each attempt."""
    return f"msg_{delivery_id.hex}"


def signed_headers(delivery_id: UUID, body: bytes, *, keys: Iterable[str], at: datetime) -> Mapping[str, str]:
    """The three headers of one attempt; with several keys, as while one takes over from another, several signatures."""
    id_, timestamp = message_id(delivery_id), str(int(at.timestamp()))
    content = f"{id_}.{timestamp}.".encode() + body
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(key, content) for key in keys),
    }


def _signature(key: str, content: bytes) -> str:
    digest = hmac.digest(base64.b64decode(key.removeprefix(PREFIX)), content, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
