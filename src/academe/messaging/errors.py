"""Errors of messaging."""

from academe.platform.errors import ConflictError, FieldError, NotFoundError


class NotificationNotFoundError(NotFoundError):
    """There is no such notification, or it was written to somebody else (404)."""

    title = "There is no such notification"


class LetterNotFoundError(NotFoundError):
    """There is no such letter, or none that the actor may know of (404)."""

    title = "There is no such letter"


class LetterStateError(ConflictError):
    """The letter is not in a state in which this can be done (409)."""

    title = "This letter needs no decision any more"


class AddressNotFoundError(NotFoundError):
    """The address is written to already (404)."""

    title = "This address is written to already"


class AnnouncementNotFoundError(NotFoundError):
    """There is no such announcement, or none that the actor may know of (404)."""

    title = "There is no such announcement"


class AnnouncementStateError(ConflictError):
    """The announcement was sent or cancelled already (409)."""

    title = "Only an announcement that is still planned can be changed"


class TimeZoneNotKnownError(NotFoundError):
    """There is no time zone of this name (404)."""

    title = "There is no such time zone"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("time_zone", "There is no time zone of this name; one is Europe/Berlin.")])


class QuietHoursError(ConflictError):
    """Quiet hours that have one end only, or no length (409)."""

    title = "Quiet hours need two different ends"

    def __init__(self, message: str) -> None:
        super().__init__(errors=[FieldError("quiet_until", message)])


class AudienceNotFoundError(NotFoundError):
    """There is no such audience, or none that the actor may address (404)."""

    title = "There is nobody of this kind whom you may address"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("audience", "Please choose one that you may address.")])


class WebhookNotFoundError(NotFoundError):
    """There is no such endpoint or delivery, or none that the actor may know of (404)."""

    title = "There is no such webhook"


class WebhookStateError(ConflictError):
    """What is asked for does not fit the state of the endpoint or the delivery (409)."""

    title = "This does not fit the state of the webhook"


class TemplateNotFoundError(NotFoundError):
    """There is no such template, version or person, or none that the actor may know of (404)."""

    title = "There is no such template"


class TemplateTakenError(ConflictError):
    """The institution has a template for this kind of message already (409)."""

    title = "There is a template for this kind of message already"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("kind", "This kind has a template already; change that one.")])
