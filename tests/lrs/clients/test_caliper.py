"""The npm sensor ims-caliper in Node: its events are statements of the store, and it is told when it may not send."""

from typing import Any

import httpx
import pytest

from tests.lrs.clients.conftest import Store
from tests.lrs.clients.node import run_script


def token_of(store: Store, scope: str) -> str:
    """A token for one scope, as a tool asks for it."""
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = httpx.post(f"{store.endpoint}oauth/token", data=form, auth=(store.key, store.secret))
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
def found(store: Store) -> dict[str, Any]:
    """What the script saw of the store."""
    tokens = {"XAPI_TOKEN": token_of(store, "statements/write"), "XAPI_READER": token_of(store, "statements/read")}
    return run_script("sensor.mjs", store, tokens)


def test_a_published_sensor_is_at_home(store: Store, found: dict[str, Any]) -> None:
    assert (found["taken"], found["again"], found["wrong"]) == (200, 200, 400)
    assert (found["reader"], found["stranger"]) == (401, 401)
    headers = {"X-Experience-API-Version": "2.0.0"}
    answer = httpx.get(f"{store.endpoint}statements", auth=(store.key, store.secret), headers=headers).json()
    statements = {each["id"]: each for each in answer["statements"]}
    assert len(statements) == 5, "four events and a description, stored once"
    started, submitted, viewed, logged_in = (statements[id_] for id_ in found["ids"])
    account = {"homePage": "https://campus.example.edu/people", "name": "s1200345"}
    assert all(each["actor"]["account"] == account for each in (started, submitted, viewed, logged_in))
    assert submitted["object"]["definition"]["name"] == {"und": "Cells and tissues"}
    assert submitted["result"]["duration"] == "PT20M30S"
    assert "duration" not in started.get("result", {})
    assert [each["verb"]["display"]["en"] for each in (started, submitted)] == ["started", "submitted"]
