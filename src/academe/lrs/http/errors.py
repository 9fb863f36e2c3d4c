"""Errors of requests to the LRS that no resource has to know of."""

from academe.platform.errors import AcademeError, NotFoundError, PermissionDeniedError


class UnknownResourceError(NotFoundError):
    """The standard knows no resource of this name (404)."""

    title = "There is no such resource"


class MethodNotAllowedError(AcademeError):
    """The resource does not have this method (405)."""

    status = 405
    title = "The resource does not have this method"


class ScopeError(PermissionDeniedError):
    """The sender holds none of the scopes that allow this (403)."""

    title = "The sender may not do this"
