"""If-Match and If-None-Match (RFC 9110, 13.1), as xAPI uses them to keep senders from overwriting each other."""

import re
from dataclasses import dataclass
from typing import Final

from academe.lrs.errors import PreconditionFailedError

_QUOTED: Final = re.compile(r'"([^"]*)"')


def _names(header: str, etag: str | None) -> bool:
    """Whether a header names the tag, or is `*` and there is a tag.

    A weak tag counts like a strong one, because a proxy that compresses turns ours into weak ones; so does a tag
    without quotes, which is what some clients send.
    """
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    tags = _QUOTED.findall(header) if '"' in header else [part.strip() for part in header.split(",")]
    return etag in tags


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The headers of a request as they came, None where there was none."""

    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def are_given(self) -> bool:
        """Whether the sender demands anything."""
        return self.if_match is not None or self.if_none_match is not None

    def require(self, etag: str | None) -> None:
        """Raise PreconditionFailedError unless they hold; `etag` is the present tag, None when there is nothing."""
        self.require_match(etag)
        if self.if_none_match is not None and _names(self.if_none_match, etag):
            raise PreconditionFailedError(
                "If-None-Match demands that there is no such document, but there is one; nothing was changed."
            )

    def require_match(self, etag: str | None) -> None:
        """Raise PreconditionFailedError unless If-Match holds."""
        if self.if_match is not None and not _names(self.if_match, etag):
            raise PreconditionFailedError(
                "The document is not, or no longer, the one that If-Match names; nothing was changed. Check its current"
                " state with a GET, then repeat the request with its current ETag."
            )

    def is_known(self, etag: str) -> bool:
        """Whether a reader says by If-None-Match that it has this content already."""
        return self.if_none_match is not None and _names(self.if_none_match, etag)
