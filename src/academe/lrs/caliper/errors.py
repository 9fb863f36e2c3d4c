"""What can be wrong with an envelope, with the status that the specification gives it (its section on responses)."""

from academe.lrs.xapi.faults import XapiFault
from academe.platform.errors import AcademeError, FieldError


class CaliperFault(XapiFault):
    """The envelope breaks a rule of Caliper (400); `pointer` says where."""

    title = "This is not valid Caliper"


class CaliperVersionError(AcademeError):
    """The envelope holds another version of Caliper (422)."""

    status = 422
    title = "This version of Caliper is not spoken here"

    def __init__(self, message: str) -> None:
        super().__init__(message, errors=[FieldError("/dataVersion", message)])


class EnvelopeTypeError(AcademeError):
    """The request says that its body is something else than JSON (415)."""

    status = 415
    title = "An envelope is sent as JSON"

    def __init__(self) -> None:
        super().__init__("The Content-Type must be application/json.")
