"""The three document resources by the numbers of the list of conformance requirements, asked through their handlers."""

import json
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest

from academe.lrs.errors import DocumentNotFoundError
from academe.lrs.senders.types import Scope
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.versions import Version
from academe.platform import clock
from academe.platform.http.errors import PayloadTooLargeError
from academe.platform.ids import new_id
from tests.lrs.documents.calls import (
    ACTIVITY,
    ACTIVITY_PROFILE,
    AGENT,
    AGENT_PROFILE,
    DOCUMENTS,
    NAMES,
    RESOURCES,
    STATE,
    Client,
    id_of,
    listing,
)
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

GROUP = json.dumps({"objectType": "Group", "account": AGENT["account"]})
NO_AGENTS = ("not JSON", "true", '{"mbox":', "[]", "null", '{"name": "Ada"}', GROUP)
REGISTRATION = "ec531277-b57b-4c15-8d91-d292c5b2b8f7"
OTHER_REGISTRATION = "6d969975-8d7e-4506-ac19-877c57f2921a"

# Each parameter that is wrong, by resource: what stands in it, and where the refusal points.
WRONG = [
    *(("XAPI-00196 to 00199", STATE, "agent", wrong) for wrong in NO_AGENTS),
    *(("XAPI-00255 to 00258", AGENT_PROFILE, "agent", wrong) for wrong in NO_AGENTS),
    *(("XAPI-00200 to 00203", STATE, "registration", wrong) for wrong in ("true", "", REGISTRATION[1:])),
    *(
        ("activityId is an IRI", resource, "activityId", wrong)
        for resource in (STATE, ACTIVITY_PROFILE)
        for wrong in ("true", "", "example.com/quiz", "ab=c://example.com")
    ),
    *(
        ("an id is a text", resource, id_of(resource), wrong)
        for resource in DOCUMENTS
        for wrong in ("", "a\0b", "\ud800")
    ),
]
MISSING = [
    ("XAPI-00207 to 00210", STATE, "activityId", ("GET", "PUT", "POST", "DELETE")),
    ("XAPI-00212 to 00215", STATE, "agent", ("GET", "PUT", "POST", "DELETE")),
    ("XAPI-00206, XAPI-00211", STATE, "stateId", ("PUT", "POST")),
    ("XAPI-00261 to 00264", AGENT_PROFILE, "agent", ("GET", "PUT", "POST", "DELETE")),
    ("XAPI-00265 to 00267", AGENT_PROFILE, "profileId", ("PUT", "POST", "DELETE")),
    ("XAPI-00296 to 00299", ACTIVITY_PROFILE, "activityId", ("GET", "PUT", "POST", "DELETE")),
    ("XAPI-00300 to 00302", ACTIVITY_PROFILE, "profileId", ("PUT", "POST", "DELETE")),
]


class TestParameters:
    @pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
    @pytest.mark.parametrize(("requirement", "resource", "name", "wrong"), WRONG)
    async def test_wrong(
        self, client: Client, requirement: str, resource: str, name: str, wrong: str, method: str
    ) -> None:
        with pytest.raises(XapiFault) as refused:
            await client.ask(method, resource, {**NAMES[resource], name: wrong}, "{}", if_none_match="*")
        assert refused.value.pointer.startswith(f"?{name}"), requirement

    @pytest.mark.parametrize(("requirement", "resource", "name", "methods"), MISSING)
    async def test_missing(
        self, client: Client, requirement: str, resource: str, name: str, methods: tuple[str, ...]
    ) -> None:
        """Also with preconditions that do not hold: what is missing comes first."""
        await client.put_anew(resource, "{}")
        parameters = {key: value for key, value in NAMES[resource].items() if key != name}
        for method in methods:
            with pytest.raises(XapiFault) as refused:
                await client.ask(method, resource, parameters, "{}", if_none_match="*")
            assert refused.value.pointer == f"?{name}", requirement

    async def test_a_fault_of_an_agent_is_pointed_at(self, client: Client) -> None:
        agent = json.dumps({"account": {"homePage": "campus", "name": "s1"}})
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", AGENT_PROFILE, {"agent": agent})
        assert refused.value.pointer == "?agent/account/homePage"

    @pytest.mark.parametrize("resource", DOCUMENTS)
    @pytest.mark.parametrize("wrong", ["true", "yesterday", "2026-11-21T10:00:00-00:00", ""])
    async def test_since_is_a_timestamp(self, client: Client, resource: str, wrong: str) -> None:
        """XAPI-00204, XAPI-00260, XAPI-00295."""
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", resource, {**listing(resource), "since": wrong})
        assert refused.value.pointer == "?since"

    async def test_since_follows_the_version(self, one: Client, two: Client) -> None:
        parameters = {**listing(STATE), "since": "20261121T100000"}
        assert (await one.ask("GET", STATE, parameters)).status == 200
        with pytest.raises(XapiFault):
            await two.ask("GET", STATE, parameters)

    @pytest.mark.parametrize("resource", DOCUMENTS)
    async def test_since_goes_with_a_list_only(self, client: Client, resource: str) -> None:
        with pytest.raises(XapiFault) as refused:
            await client.ask("GET", resource, {**NAMES[resource], "since": "2026-11-21T10:00:00Z"})
        assert refused.value.pointer == "?since"

    @pytest.mark.parametrize("resource", DOCUMENTS)
    def test_only_lists_know_since(self, resource: str) -> None:
        """XAPI-00205, XAPI-00223, XAPI-00324: the edge refuses what the method does not know."""
        known = {method: handled.parameters for method, handled in RESOURCES[resource].items()}
        assert known["GET"] == {*NAMES[resource], "since"} | ({"registration"} if resource == STATE else set())
        for method in ("PUT", "POST", "DELETE"):
            assert known[method] == known["GET"] - {"since"}

    @pytest.mark.parametrize("resource", DOCUMENTS)
    def test_who_may(self, resource: str) -> None:
        scope = Scope.STATE if resource == STATE else Scope.PROFILE
        allowed = {method: handled.scopes for method, handled in RESOURCES[resource].items()}
        assert allowed == {
            "GET": {scope, Scope.READ_ALL, Scope.ALL},
            **{method: {scope, Scope.ALL} for method in ("PUT", "POST", "DELETE")},
        }


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestOneDocument:
    @pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", "text/html", "x"])
    async def test_comes_back_as_it_was_put(self, client: Client, resource: str, content_type: str) -> None:
        """XAPI-00188, XAPI-00190, XAPI-00192, XAPI-00259, XAPI-00269, XAPI-00273, XAPI-00287, XAPI-00288."""
        body = b' { "a" : 1.50e400, "b": "\\u0000 \\ud800", "a": 2 }\n'
        await client.put_anew(resource, body, content_type=content_type)
        answer = await client.ask("GET", resource)
        assert (answer.status, answer.body, answer.content_type) == (200, body, content_type)

    async def test_bytes_of_any_kind_are_kept(self, client: Client, resource: str) -> None:
        body = bytes(range(256))
        await client.put_anew(resource, body, content_type="application/octet-stream")
        assert await client.body(resource) == body

    async def test_no_browser_takes_it_for_a_page(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, "<script>", content_type="text/html")
        headers = (await client.ask("GET", resource)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("sandbox")

    async def test_without_a_type_it_is_bytes(self, client: Client, resource: str) -> None:
        await client.ask("POST", resource, body="{", content_type=None)
        assert (await client.ask("GET", resource)).content_type == "application/octet-stream"

    @pytest.mark.parametrize(
        "content_type", ["", " text/plain", "text/plain\r\nSet-Cookie: a=b", "text/плоский", "x" * 256]
    )
    async def test_a_type_that_is_no_header_is_refused(self, client: Client, resource: str, content_type: str) -> None:
        with pytest.raises(XapiFault, match="Content-Type"):
            await client.ask("POST", resource, body="x", content_type=content_type)

    async def test_absent_is_404(self, client: Client, resource: str) -> None:
        with pytest.raises(DocumentNotFoundError) as refused:
            await client.ask("GET", resource)
        assert refused.value.status == 404

    async def test_post_makes_a_new_one_of_any_type(self, client: Client, resource: str) -> None:
        """XAPI-00189, XAPI-00231, XAPI-00233, XAPI-00272, XAPI-00280, XAPI-00286, XAPI-00310."""
        answer = await client.ask("POST", resource, body="a,b", content_type="text/csv")
        assert (answer.status, answer.body) == (204, b"")
        assert await client.body(resource) == b"a,b"

    async def test_delete(self, client: Client, resource: str) -> None:
        """XAPI-00187, XAPI-00191, XAPI-00216, XAPI-00271, XAPI-00285, XAPI-00291; others stay; again is the same."""
        await client.put_anew(resource, "{}")
        await client.put_anew(resource, "{}", **{id_of(resource): "other"})
        for _ in range(2):
            answer = await client.ask("DELETE", resource)
            assert (answer.status, answer.body) == (204, b"")
        assert await client.ids(resource) == ["other"]

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    @pytest.mark.parametrize("body", ["", '{"a": 1}[', "{'a': 1}", '{"a": NaN}', b'{"a": "\xff"}', "[" * 100_000])
    async def test_json_that_is_none_is_refused(
        self, client: Client, resource: str, method: str, body: bytes | str
    ) -> None:
        """XAPI-00235, XAPI-00281, XAPI-00284, XAPI-00314."""
        with pytest.raises(XapiFault):
            await client.ask(method, resource, body=body, if_none_match="*")
        assert await client.ids(resource) == []

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    async def test_too_large_is_413(self, client: Client, resource: str, method: str) -> None:
        limit = client.database.settings.xapi_document_limit_mebibytes * 2**20
        at_the_limit = b"x" * limit
        await client.put_anew(resource, at_the_limit, content_type="text/plain")
        with pytest.raises(PayloadTooLargeError, match="10 MiB") as refused:
            await client.ask(method, resource, body=at_the_limit + b"x", content_type="text/plain", if_match="*")
        assert refused.value.status == 413

    async def test_last_modified(self, client: Client, resource: str) -> None:
        before = clock.now().replace(microsecond=0)
        await client.put_anew(resource, "{}")
        for parameters in (NAMES[resource], listing(resource)):
            answer = await client.ask("GET", resource, parameters)
            assert answer.headers["Last-Modified"].endswith(" GMT")
            assert before <= parsedate_to_datetime(answer.headers["Last-Modified"]) <= clock.now()


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestMerge:
    """XAPI-00183, XAPI-00184, XAPI-00234, XAPI-00279, XAPI-00308."""

    async def test_top_level_properties_are_set(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, '{"x": "foo", "y": {"a": 1, "b": 2}, "n": 1.50}')
        assert (await client.ask("POST", resource, body='{"x": "bash", "y": {"a": 3}, "z": null}')).status == 204
        assert await client.body(resource) == b'{"x":"bash","y":{"a": 3},"n":1.50,"z":null}'

    async def test_the_type_stays(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, "{}", content_type="application/json; charset=utf-8")
        await client.ask("POST", resource, body="{}")
        assert (await client.ask("GET", resource)).content_type == "application/json; charset=utf-8"

    @pytest.mark.parametrize(
        ("stored", "stored_type", "posted", "posted_type"),
        [
            ('{"a": 1}', "application/json", '{"a": 2}', "application/x-www-form-urlencoded"),
            ('{"a": 1}', "application/json", '{"a": 2}', "application/octet-stream"),
            ('{"a": 1}', "not/json", '{"a": 2}', "application/json"),
            ('{"a": 1}', "application/json", '["a"]', "application/json"),
            ('{"a": 1}', "application/json", '{"a": 2', "application/json"),
            ("[1]", "application/json", '{"a": 2}', "application/json"),
            ('"a"', "application/json", '{"a": 2}', "application/json"),
        ],
    )
    async def test_other_documents_are_refused(
        self, client: Client, resource: str, stored: str, stored_type: str, posted: str, posted_type: str
    ) -> None:
        """XAPI-00182, XAPI-00229, XAPI-00232, XAPI-00278, XAPI-00309, XAPI-00313: and nothing changes."""
        await client.put_anew(resource, stored, content_type=stored_type)
        with pytest.raises(XapiFault) as refused:
            await client.ask("POST", resource, body=posted, content_type=posted_type)
        assert refused.value.status == 400
        answer = await client.ask("GET", resource)
        assert (answer.body, answer.content_type) == (stored.encode(), stored_type)

    async def test_together_too_large(self, client: Client, resource: str) -> None:
        half = "x" * (client.database.settings.xapi_document_limit_mebibytes * 2**19)
        await client.put_anew(resource, json.dumps({"a": half}))
        with pytest.raises(PayloadTooLargeError):
            await client.ask("POST", resource, body=json.dumps({"b": half}))


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestLists:
    async def test_nothing_is_an_empty_list(self, client: Client, resource: str) -> None:
        """XAPI-00193, XAPI-00270, XAPI-00289."""
        answer = await client.ask("GET", resource, listing(resource))
        assert (answer.status, answer.body, answer.content_type) == (200, b"[]", "application/json")
        assert "Last-Modified" not in answer.headers

    async def test_ids_of_the_context_only(self, client: Client, resource: str) -> None:
        for document_id in ("b", "ä", "a"):
            await client.put_anew(resource, "{}", **{id_of(resource): document_id})
        other = {"activityId": f"{ACTIVITY}/2", "agent": json.dumps({"mbox": "mailto:ada@example.com"})}
        for name in sorted(set(other) & set(NAMES[resource])):
            await client.put_anew(resource, "{}", **{name: other[name], id_of(resource): "elsewhere"})
        for same in DOCUMENTS:
            if same != resource:
                await client.put_anew(same, "{}", **{id_of(same): "of another kind"})
        assert await client.ids(resource) == ["a", "b", "ä"]

    async def test_since_is_exclusive_and_counts_changes(self, client: Client, resource: str) -> None:
        """XAPI-00221, XAPI-00268, XAPI-00275, XAPI-00294, XAPI-00303."""
        await client.put_anew(resource, "{}", **{id_of(resource): "old"})
        await client.put_anew(resource, "{}")
        between = clock.now()
        assert await client.ids(resource, since=(between - timedelta(minutes=1)).isoformat()) == ["bookmark", "old"]
        assert await client.ids(resource, since=between.isoformat()) == []
        await client.ask("POST", resource, body='{"page": 2}')
        assert await client.ids(resource, since=between.isoformat()) == ["bookmark"]


class TestStates:
    async def test_an_agent_is_who_its_identifier_says(self, client: Client) -> None:
        await client.put_anew(STATE, "{}")
        agent = {"name": "Ada", "account": {"name": "s1", "homePage": "https://campus.example.edu"}}
        assert await client.ids(STATE, agent=json.dumps(agent)) == ["bookmark"]

    async def test_registrations_are_apart(self, client: Client) -> None:
        """XAPI-00218, XAPI-00219, XAPI-00220, XAPI-00227."""
        await client.put_anew(STATE, '"none"')
        await client.put_anew(STATE, '"one"', registration=REGISTRATION)
        await client.put_anew(STATE, '"other"', registration=OTHER_REGISTRATION, stateId="elsewhere")
        named = {**NAMES[STATE], "registration": REGISTRATION.upper()}
        assert (await client.ask("GET", STATE, named)).body == b'"one"'
        assert await client.body(STATE) == b'"none"'
        assert await client.ids(STATE, registration=REGISTRATION) == ["bookmark"]
        assert await client.ids(STATE) == ["bookmark", "elsewhere"]
        await client.ask("DELETE", STATE, named)
        assert await client.ids(STATE, registration=REGISTRATION) == []
        assert await client.body(STATE) == b'"none"'

    async def test_all_of_a_context_are_deleted(self, client: Client) -> None:
        """XAPI-00194; other activities, and profiles, stay."""
        for number in range(3):
            await client.put_anew(STATE, "{}", stateId=f"{number}", registration=str(new_id()))
        await client.put_anew(STATE, "{}")
        await client.put_anew(STATE, "{}", activityId=f"{ACTIVITY}/2")
        await client.put_anew(AGENT_PROFILE, "{}")
        assert (await client.ask("DELETE", STATE, listing(STATE))).status == 204
        assert await client.ids(STATE) == []
        assert await client.ids(STATE, activityId=f"{ACTIVITY}/2") == ["bookmark"]
        assert await client.ids(AGENT_PROFILE) == ["bookmark"]

    async def test_all_of_a_registration_are_deleted(self, client: Client) -> None:
        await client.put_anew(STATE, "{}", stateId="kept")
        await client.put_anew(STATE, "{}", registration=REGISTRATION)
        await client.ask("DELETE", STATE, {**listing(STATE), "registration": REGISTRATION})
        assert await client.ids(STATE) == ["kept"]

    async def test_profiles_are_never_deleted_all_at_once(self, client: Client) -> None:
        await client.put_anew(AGENT_PROFILE, "{}")
        with pytest.raises(XapiFault):
            await client.ask("DELETE", AGENT_PROFILE, listing(AGENT_PROFILE))
        assert await client.ids(AGENT_PROFILE) == ["bookmark"]


@pytest.mark.parametrize("resource", DOCUMENTS)
async def test_each_institution_has_documents_of_its_own(database: JoinedDatabase, resource: str) -> None:
    north, south = (Client(database, Version.TWO, institution_id=new_id()) for _ in range(2))
    installation = Client(database, Version.TWO)
    await north.put_anew(resource, '{"of": "north"}')
    for other in (south, installation):
        with pytest.raises(DocumentNotFoundError):
            await other.body(resource)
        assert await other.ids(resource) == []
    await south.put_anew(resource, '{"of": "south"}')
    await south.ask("POST", resource, body='{"more": 1}')
    assert await north.body(resource) == b'{"of": "north"}'
    assert json.loads(await south.body(resource)) == {"of": "south", "more": 1}
    await south.ask("DELETE", resource)
    assert len(await north.ids(resource)) == 1
