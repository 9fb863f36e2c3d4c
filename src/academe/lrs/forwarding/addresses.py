"""Where a forward may go: an administrator names the address, and it must not lead into this network."""

from academe.lrs.forwarding.models import LONGEST_ENDPOINT
from academe.platform.http.outbound import Reach, checked_address
from academe.platform.settings import Settings


def reach_of(settings: Settings) -> Reach:
    """Where statements may be forwarded."""
    return Reach(settings.forward_networks, "ACADEME_XAPI_FORWARD_NETWORKS", settings.is_production)


def checked_endpoint(text: str, settings: Settings) -> str:
    """The address above `/statements`, without a slash at its end; ValueError says what is wrong with it."""
    endpoint = checked_address(
        text.strip().rstrip("/").removesuffix("/statements").rstrip("/"),
        reach_of(settings),
        longest=LONGEST_ENDPOINT,
        example="https://lrs.example.org/xapi",
    )
    if endpoint == f"{settings.public_url.rstrip('/')}/xapi":
        raise ValueError("This is the address of this store itself.")
    return endpoint
