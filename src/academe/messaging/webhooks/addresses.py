"""Where webhooks may go: an administrator names the address, and it must not lead into this network."""

from typing import Final

from academe.messaging.webhooks.models import LONGEST_URL
from academe.platform.http.outbound import Reach, checked_address
from academe.platform.settings import Settings

_EXAMPLE: Final = "https://hooks.example.org/academe"


def reach_of(settings: Settings) -> Reach:
    """Where webhooks may be sent."""
    return Reach(settings.webhook_reach, "ACADEME_WEBHOOK_NETWORKS", settings.is_production)


def checked_url(text: str, settings: Settings) -> str:
    """The address as it is kept; ValueError says what is wrong with it. It may have a query, and no credentials."""
    return checked_address(text, reach_of(settings), longest=LONGEST_URL, example=_EXAMPLE, with_query=True)
