"""Errors of guardians."""

from academe.platform.errors import ConflictError, NotFoundError


class GuardianshipNotFoundError(NotFoundError):
    """There is no such guardianship, or none that the actor may know of (404)."""

    title = "There is no such guardian"


class GuardianKnownError(ConflictError):
    """The person is a guardian of this student already (409)."""

    title = "This person is a guardian of the student already"
