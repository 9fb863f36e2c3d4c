"""What a statement says of its attachments (1.0.3: 2.4.11; 2.0: 4.2.2.6)."""

from typing import Any, Final

from academe.lrs.xapi import values
from academe.lrs.xapi.checks import list_of, refused, shape
from academe.lrs.xapi.faults import Refusal

SIGNATURE_USAGE: Final = "http://adlnet.gov/expapi/attachments/signature"
"""The usage type of an attachment that signs its statement."""

SIGNATURE_CONTENT_TYPE: Final = "application/octet-stream"


def _length(value: object) -> None:
    if type(value) is not int or value < 0:
        raise refused(value, "the number of octets, a whole number from 0")


def _rule(value: dict[str, Any]) -> None:
    if value["usageType"] == SIGNATURE_USAGE and value["contentType"] != SIGNATURE_CONTENT_TYPE:
        raise Refusal(f"A signature must be of the type {SIGNATURE_CONTENT_TYPE}.", "contentType")


_attachment: Final = shape(
    "an attachment",
    {
        "usageType": values.iri,
        "display": values.language_map,
        "description": values.language_map,
        "contentType": values.media_type,
        "length": _length,
        "sha2": values.sha2,
        "fileUrl": values.irl,
    },
    required=("usageType", "display", "contentType", "length", "sha2"),
    rule=_rule,
)

attachments: Final = list_of(_attachment, "an array of attachments")
