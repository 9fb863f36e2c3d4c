"""Errors of requests to the LRS that no resource has to know of."""

from typing import ClassVar

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


class SensorScopeError(AcademeError):
    """The same of a Caliper sensor (401, as Caliper wants it; section 6 of 1.2: no privilege to submit data)."""

    status = 401
    title = ScopeError.title
    challenge: ClassVar[str] = 'Bearer realm="xAPI", error="insufficient_scope"'
