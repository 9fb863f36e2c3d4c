"""Where webhooks may go: an address that somebody enters must not lead to what only this machine reaches."""

import httpx
import pytest

from academe.messaging.webhooks.addresses import checked_url, reach_of
from academe.messaging.webhooks.sending import Task, attempt
from academe.platform.http.outbound import CheckedTransport
from academe.platform.ids import new_id
from academe.platform.settings import Environment, Settings

pytestmark = pytest.mark.anyio

HERE = "http://127.0.0.1:9/hook"
REFUSED = (
    *("https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://192.168.0.1/", "https://172.16.1.1/"),
    *("https://169.254.169.254/latest/meta-data", "https://0.0.0.0/", "https://[fe80::1]/", "https://[fd00::1]/"),
    *("https://[::ffff:127.0.0.1]/", "http://hooks.example.org/", "http://93.184.215.14/"),
)
WRONG = ("", "hooks.example.org", "ftp://hooks.example.org", "https://a:b@hooks.example.org", "https://h.example/#x")


def production(settings: Settings, *networks: str) -> Settings:
    changed = settings.model_copy(update={"environment": Environment.PRODUCTION, "webhook_networks": networks})
    changed.__dict__.pop("webhook_reach", None)
    return changed


def test_in_production_only_the_public_internet_over_tls(settings: Settings) -> None:
    strict = production(settings)
    for url in (*REFUSED, *WRONG):
        with pytest.raises(ValueError, match="address"):
            checked_url(url, strict)
    for url in ("https://hooks.example.org/a?key=7", "https://93.184.215.14/"):
        assert checked_url(f" {url} ", strict) == url


def test_a_setting_allows_a_network_of_ones_own(settings: Settings) -> None:
    assert checked_url(HERE, production(settings, "127.0.0.0/8")) == HERE


def test_in_development_what_is_near_but_no_credentials_of_clouds(settings: Settings) -> None:
    assert checked_url(HERE, settings) == HERE
    with pytest.raises(ValueError, match="ACADEME_WEBHOOK_NETWORKS"):
        checked_url("http://169.254.169.254/", settings)


async def test_a_name_is_looked_at_when_it_is_used(settings: Settings) -> None:
    """`localhost` passes as a name, and is refused when it turns out to be this machine."""
    strict = production(settings)
    url = checked_url("https://localhost/", strict)
    async with httpx.AsyncClient(transport=CheckedTransport(reach_of(strict))) as client:
        answer = await attempt(client, Task(new_id(), new_id(), url, b"{}", ("whsec_c2VzYW1l",)))
    assert answer.status is None
    assert (
        answer.failure == "localhost is not an address of the public internet; ACADEME_WEBHOOK_NETWORKS can allow it."
    )
