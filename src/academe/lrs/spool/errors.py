"""Errors of the spool: nothing was acknowledged, and the sender may try again."""

from typing import ClassVar

from academe.platform.errors import AcademeError, NotFoundError, ServiceUnavailableError


class SpoolFullError(ServiceUnavailableError):
    """As much waits as the setting allows (503); `Retry-After` says when to come again."""

    title = "Too many statements wait for the database; send this again later"
    retry_after_seconds: ClassVar[int] = 60


class SpoolUnavailableError(ServiceUnavailableError):
    """The spool cannot be written: its disk is full or broken (503)."""

    title = "Statements cannot be taken in now; send this again later"
    retry_after_seconds: ClassVar[int] = 60


class SegmentUnreadableError(AcademeError):
    """A segment, or a part of it, cannot be read: it was damaged, or its master key is not among the settings."""

    title = "A file of the spool cannot be read"


class SetAsideNotFoundError(NotFoundError):
    """There is no such statement, or none that the actor may know of (404)."""

    title = "There is no such statement"
