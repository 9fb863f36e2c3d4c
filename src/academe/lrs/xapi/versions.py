"""The two versions of the standard, and how requests and statements name them."""

import re
from enum import Enum
from typing import Final


class Version(Enum):
    """A version whose rules apply; the value is the newest one of its line."""

    ONE = "1.0.3"
    TWO = "2.0.0"


# 1.0 alone is 1.0.0; what follows the third number is a pre-release or build as semantic versioning writes them.
_LINE: Final = re.compile(r"(?:(1\.0)(?:\.(?:0|[1-9][0-9]*))?|(2\.0)\.(?:0|[1-9][0-9]*))(?:[-+][0-9A-Za-z.+-]+)?")


def version_of(text: str) -> Version | None:
    """The rules that a version named by a header or a statement stands for; None when no such version is spoken here.

    Known are `1.0`, `1.0.x` and `2.0.x`.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    return Version.ONE if match[1] else Version.TWO
