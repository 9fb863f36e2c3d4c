"""The two versions of the standard, and how requests and statements name them."""

import re
from enum import Enum
from typing import Final


class Version(Enum):
    """A version whose rules apply; the value is the newest one of its line."""

    ONE = "1.0.3"
    TWO = "2.0.0"


# 1.0 and 2.0 alone are 1.0.0 and 2.0.0; the third number may have a pre-release or build behind it.
_LINE: Final = re.compile(r"(?:(1\.0)|2\.0)(?:\.(?:0|[1-9][0-9]*)(?:[-+][0-9A-Za-z.+-]+)?)?")


def version_of(text: str) -> Version | None:
    """The rules that a version named by a header or a statement stands for; None when no such version is spoken here.

    Known are `1.0`, `1.0.x`, `2.0` and `2.0.x`.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    return Version.ONE if match[1] else Version.TWO
