"""The npm client @xapi/cmi5 in a browser: content of another origin, launched by a learning management system.

The test plays the system: it writes the launch data, gives out the token once and opens the page of the content.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from playwright.sync_api import Browser

from tests.lrs.clients.conftest import Store
from tests.lrs.clients.node import HERE, node_with_clients
from tests.support.browser import launched_browser, served

pytestmark = pytest.mark.browser

UNIT: Final = "https://campus.example.edu/unit/7"
ACTOR: Final = {"objectType": "Agent", "account": {"homePage": "https://campus.example.edu", "name": "20001"}}
REGISTRATION: Final = str(uuid.uuid4())
VERSION: Final = {"X-Experience-API-Version": "1.0.3"}
# cmi5 asks every statement of a session to carry this, and to be told from others by its category.
SESSION: Final = {"https://w3id.org/xapi/cmi5/context/extensions/sessionid": "session 1"}

PAGE: Final = """<!doctype html><title>Unit 7</title><script src="/cmi5.js"></script><script>
async function learn() {
    const unit = new Cmi5();
    await unit.initialize();
    await unit.progress(50);
    await unit.interactionTrueFalse("test", "question", true, true, { en: "Is it so?" });
    const ids = await unit.moveOn({ score: { scaled: 0.9 } });
    return { ids, mode: unit.launchData.launchMode, available: Cmi5.isCmiAvailable };
}
</script>"""


def content_of(store: Store) -> FastAPI:
    """The server of the content, with the address at which the page fetches its token."""
    app = FastAPI()

    @app.get("/unit")
    def unit() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.get("/cmi5.js")
    def script() -> FileResponse:
        return FileResponse(HERE / "node_modules/@xapi/cmi5/dist/Cmi5.umd.js", media_type="text/javascript")

    @app.post("/token")
    def token() -> dict[str, str]:
        return {"auth-token": base64.b64encode(f"{store.key}:{store.secret}".encode()).decode()}

    return app


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for this file."""
    with launched_browser() as browser:
        yield browser


@pytest.fixture
def lms(store: Store) -> Iterator[httpx.Client]:
    """The learning management system at the store."""
    headers = {**VERSION, "Authorization": store.authorization}
    with httpx.Client(base_url=store.endpoint, headers=headers) as client:
        yield client


def test_a_unit_of_another_origin_is_launched_and_passed(store: Store, lms: httpx.Client, browser: Browser) -> None:
    node_with_clients()
    place = {"activityId": UNIT, "agent": json.dumps(ACTOR), "registration": REGISTRATION}
    launch = {
        "contextTemplate": {"extensions": SESSION},
        "launchMode": "Normal",
        "masteryScore": 0.8,
        "moveOn": "CompletedAndPassed",
    }
    lms.put("activities/state", params={**place, "stateId": "LMS.LaunchData"}, json=launch).raise_for_status()
    with served(content_of(store)) as content, browser.new_context() as context:
        page = context.new_page()
        parameters = {
            "endpoint": store.endpoint,
            "fetch": f"{content}/token",
            "actor": json.dumps(ACTOR),
            "registration": REGISTRATION,
            "activityId": UNIT,
        }
        page.goto(f"{content}/unit?{urlencode(parameters)}")
        seen: dict[str, Any] = page.evaluate("learn()")
    assert (seen["mode"], seen["available"]) == ("Normal", True)
    found = lms.get("statements", params={"registration": REGISTRATION, "ascending": "true"}).json()["statements"]
    verbs = [statement["verb"]["id"].rpartition("/")[2] for statement in found]
    assert verbs == ["initialized", "progressed", "answered", "passed", "completed", "terminated"]
    assert [statement["id"] for statement in found[3:]] == seen["ids"]
    assert found[3]["result"]["score"] == {"scaled": 0.9}
    for statement in found:
        assert statement["actor"] == ACTOR
        assert statement["context"]["extensions"].items() >= SESSION.items()
    answered = lms.get("activities", params={"activityId": f"{UNIT}/test/test/question/question"}).json()
    assert answered["definition"]["interactionType"] == "true-false"
