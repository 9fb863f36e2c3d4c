"""Errors of erasure."""

from academe.platform.errors import ConflictError, FieldError, InvalidInputError


class NoAgentError(InvalidInputError):
    """What should be erased names no agent (422)."""

    title = "This is not an Agent"

    def __init__(self, message: str) -> None:
        super().__init__(message, errors=[FieldError("agent", message)])


class AgentSendsError(ConflictError):
    """The agent is the authority of a sender that may still send (409)."""

    title = "This agent is the authority of a sender"

    def __init__(self) -> None:
        super().__init__("This agent is the authority of a sender that may still send; revoke the sender first.")
