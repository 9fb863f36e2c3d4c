"""Errors that only the edge raises."""

from math import ceil

from academe.platform.errors import AcademeError, BadRequestError, PermissionDeniedError


class UnknownHostError(BadRequestError):
    """The request was sent to a host name that is not ours (400)."""

    title = "This host name is not served here"


class CrossSiteRequestError(PermissionDeniedError):
    """A page of another site tried to change something here with the visitor's session (403)."""

    title = "This request came from another site"


class PayloadTooLargeError(AcademeError):
    """More was sent than is accepted (413)."""

    status = 413
    title = "Too much was sent"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"At most {limit_bytes / 2**20:g} MiB are accepted here.")


class TooManyRequestsError(AcademeError):
    """More requests than allowed; `retry_after_seconds` says when the next one will be answered (429)."""

    status = 429
    title = "Too many requests"

    def __init__(self, seconds: float) -> None:
        self.retry_after_seconds = max(1, ceil(seconds))
        super().__init__(f"Please wait {self.retry_after_seconds} seconds before the next request.")
