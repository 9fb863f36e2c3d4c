"""Errors of insight, each with the status its caller sees."""

from academe.platform.errors import ConflictError, NotFoundError


class NoActiveModelError(ConflictError):
    """No risk model is active, so nothing can be scored."""

    title = "No risk model is active: train one with `academe risk train`"


class RiskModelNotFoundError(NotFoundError):
    """There is no such risk model."""

    title = "There is no such risk model"


class ModelExistsError(ConflictError):
    """A model of this name and version is registered already."""

    title = "A risk model of this name and version is registered already"
