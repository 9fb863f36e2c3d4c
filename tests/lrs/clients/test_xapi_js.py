"""The npm client @xapi/xapi in Node: what it sends, finds, voids and keeps, in both versions."""

from typing import Any

import pytest

from tests.lrs.clients.conftest import Store
from tests.lrs.clients.node import run_script


@pytest.fixture
def found(store: Store) -> dict[str, Any]:
    """What the script saw of the store."""
    return run_script("statements.mjs", store)


def test_a_client_in_javascript_is_at_home(found: dict[str, Any]) -> None:
    for version, named in (("1.0.3", "1.0"), ("2.0.0", "2.0")):
        seen = found[version]
        assert len(set(seen["sent"])) == 4
        assert (seen["scaled"], seen["authority"]) == (0.5, "client")
        assert seen["version"].startswith(named)
        assert seen["pages"] == seen["sent"][:-5:-1], "newest first, two to a page"
        assert seen["voided"] == seen["sent"][2]
        assert (seen["missing"], seen["bad"], seen["conflict"]) == (404, 400, 409)
        assert seen["attachment"]["id"]
        assert seen["attachment"]["parts"] == 2
        assert seen["attachment"]["content"].endswith("every byte counts: é")
    documents = found["documents"]
    assert documents["state"] == {"page": 2, "seen": True}
    assert documents["states"] == ["bookmark"]
    assert (documents["stale"], documents["changed"], documents["gone"]) == (412, {"page": 3}, 404)
    assert (documents["likes"], documents["grades"]) == ({"tea": True}, {"best": 1})
    assert (documents["names"], documents["activity"]) == (["Ada"], "Quiz 4")
    assert {"1.0.3", "2.0.0"} <= set(documents["about"])
    assert documents["stranger"] == 401
