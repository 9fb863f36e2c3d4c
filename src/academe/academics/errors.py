"""Errors of academics, each with the status its caller sees."""

from academe.platform.errors import ConflictError, InvalidInputError, NotFoundError


class OfferingNotFoundError(NotFoundError):
    """There is no such offering, or none in the actor's institution."""

    title = "There is no such offering"


class StaffNotFoundError(NotFoundError):
    """Nobody with this role in this offering."""

    title = "Nobody holds this role in this offering"


class MeetingNotFoundError(NotFoundError):
    """There is no such meeting in an offering the actor may see."""

    title = "There is no such meeting"


class StudentNotFoundError(NotFoundError):
    """There is no such student, or none that the actor may know of."""

    title = "There is no such student"


class EnrollmentNotFoundError(NotFoundError):
    """There is no such enrolment in this offering."""

    title = "There is no such enrolment in this offering"


class UploadNotFoundError(NotFoundError):
    """There is no such uploaded file of the actor's, or it was forgotten after a day."""

    title = "This file is not kept any more; please upload it again"


class AlreadyEnrolledError(ConflictError):
    """The student has a place in the offering already."""

    title = "The student is already in this offering"


class OfferingFullError(ConflictError):
    """The offering has as many students as places."""

    title = "The offering is full"


class EnrollmentStateError(ConflictError):
    """The step does not follow from the enrolment's present status."""

    title = "The enrolment does not allow this step"


class MeetingExistsError(ConflictError):
    """The offering has a meeting of this title at this time."""

    title = "There is already a meeting of this title at this time"


class AttendanceChangedError(ConflictError):
    """Somebody else saved this meeting's attendance after the caller read it."""

    title = "Somebody else has saved this attendance meanwhile"


class InvalidMarksError(InvalidInputError):
    """Marks name students outside the roster, or lack what their status needs; `errors` name each."""

    title = "Some marks cannot be saved"


class PeopleQueryNotFoundError(NotFoundError):
    """There is no such query, or none that the actor may know of (404)."""

    title = "There is no such query"


class PeopleQueryPartNotFoundError(NotFoundError):
    """What a query names is not there, or not of the institution (404); `errors` name the fields."""

    title = "A query names what is not there"
