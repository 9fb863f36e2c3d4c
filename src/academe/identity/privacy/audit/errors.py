"""What can go wrong in the audit."""

from academe.platform.errors import NotFoundError


class EntryNotFoundError(NotFoundError):
    """No entry of this id that the reader may see (404)."""

    title = "There is no such entry"
