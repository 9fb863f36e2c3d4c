"""Entity tags and preconditions (XAPI-00322), alone and with several senders at once."""

import asyncio
import hashlib
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from academe.lrs.documents.preconditions import Preconditions
from academe.lrs.errors import DocumentExistsError, PreconditionFailedError
from academe.lrs.http.exchange import Answer
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Database
from academe.platform.errors import AcademeError
from tests.lrs.documents.calls import DOCUMENTS, NAMES, STATE, Client, listing

pytestmark = pytest.mark.anyio

PROFILES = tuple(resource for resource in DOCUMENTS if resource != STATE)
WRONG_TAG = '"1234"'


def sha1(body: bytes) -> str:
    return f'"{hashlib.sha1(body).hexdigest()}"'  # noqa: S324 - what 1.0.3 makes tags of


async def tag(client: Client, resource: str) -> str:
    return (await client.ask("GET", resource)).headers["ETag"]


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestTags:
    async def test_a_tag_is_the_sha1_of_the_content_in_quotes(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        assert await tag(client, resource) == sha1(b'{"a": 1}')
        await client.ask("POST", resource, body='{"b": 2}')
        assert await tag(client, resource) == sha1(await client.body(resource)) != sha1(b'{"a": 1}')

    async def test_lists_have_one_too(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, "{}")
        answer = await client.ask("GET", resource, listing(resource))
        assert answer.headers["ETag"] == sha1(b'["bookmark"]')

    async def test_who_has_it_already_gets_304(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, "{}")
        known = await tag(client, resource)
        answer = await client.ask("GET", resource, if_none_match=f"{WRONG_TAG}, W/{known}")
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", known)
        assert (await client.ask("GET", resource, if_none_match=WRONG_TAG)).status == 200

    async def test_a_reader_may_demand_a_tag(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, "{}")
        with pytest.raises(PreconditionFailedError):
            await client.ask("GET", resource, if_match=WRONG_TAG)


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestIfMatch:
    @pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
    async def test_another_tag_is_412_and_nothing_changes(self, client: Client, resource: str, method: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        with pytest.raises(PreconditionFailedError) as refused:
            await client.ask(method, resource, body='{"a": 2}', if_match=WRONG_TAG)
        assert refused.value.status == 412
        assert await client.body(resource) == b'{"a": 1}'

    @pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
    async def test_the_right_tag_lets_a_put_through(self, client: Client, resource: str, form: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        header = form.format(await tag(client, resource))
        assert (await client.ask("PUT", resource, body='{"a": 2}', if_match=header)).status == 204
        assert await client.body(resource) == b'{"a": 2}'
        if form != "*":
            with pytest.raises(PreconditionFailedError):
                await client.ask("PUT", resource, body='{"a": 3}', if_match=header)

    async def test_a_tag_without_quotes_is_understood(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        bare = (await tag(client, resource)).strip('"')
        assert (await client.ask("PUT", resource, body="{}", if_match=bare)).status == 204

    async def test_the_right_tag_lets_post_and_delete_through(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        posted = await client.ask("POST", resource, body='{"b": 2}', if_match=await tag(client, resource))
        deleted = await client.ask("DELETE", resource, if_match=await tag(client, resource))
        assert (posted.status, deleted.status) == (204, 204)
        assert await client.ids(resource) == []

    @pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
    @pytest.mark.parametrize("header", [WRONG_TAG, "*"])
    async def test_nothing_there_is_412(self, client: Client, resource: str, method: str, header: str) -> None:
        with pytest.raises(PreconditionFailedError):
            await client.ask(method, resource, body="{}", if_match=header)
        assert await client.ids(resource) == []


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestIfNoneMatch:
    @pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
    async def test_something_there_is_412(self, client: Client, resource: str, method: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        with pytest.raises(PreconditionFailedError):
            await client.ask(method, resource, body='{"a": 2}', if_none_match="*")
        assert await client.body(resource) == b'{"a": 1}'

    async def test_a_tag_forbids_only_that_content(self, client: Client, resource: str) -> None:
        await client.put_anew(resource, '{"a": 1}')
        assert (await client.ask("PUT", resource, body='{"a": 2}', if_none_match=WRONG_TAG)).status == 204
        with pytest.raises(PreconditionFailedError):
            await client.ask("PUT", resource, body='{"a": 3}', if_none_match=sha1(b'{"a": 2}'))


class TestPutWithoutPreconditions:
    async def test_a_state_of_1_0_3_is_replaced(self, one: Client) -> None:
        for body in ('{"a": 1}', '{"a": 2}'):
            assert (await one.ask("PUT", STATE, body=body)).status == 204
            assert await one.body(STATE) == body.encode()

    @pytest.mark.parametrize("resource", DOCUMENTS)
    async def test_2_0_stores_what_is_new(self, two: Client, resource: str) -> None:
        assert (await two.ask("PUT", resource, body="{}")).status == 204

    @pytest.mark.parametrize("resource", PROFILES)
    async def test_a_new_profile_of_1_0_3_is_400(self, one: Client, resource: str) -> None:
        """XAPI-00287, XAPI-00293: the header is the client's duty, and the suite demands the error."""
        with pytest.raises(XapiFault, match="If-None-Match"):
            await one.ask("PUT", resource, body="{}")
        assert await one.ids(resource) == []

    @pytest.mark.parametrize(
        ("version", "resource"),
        [*((Version.ONE, resource) for resource in PROFILES), *((Version.TWO, resource) for resource in DOCUMENTS)],
    )
    async def test_what_exists_is_409_and_says_what_to_do(
        self, database: Database, version: Version, resource: str
    ) -> None:
        client = Client(database, version)
        await client.put_anew(resource, '{"a": 1}')
        with pytest.raises(DocumentExistsError) as refused:
            await client.ask("PUT", resource, body='{"a": 2}')
        assert refused.value.status == 409
        assert "current state" in refused.value.message
        assert "If-Match" in refused.value.message
        assert await client.body(resource) == b'{"a": 1}'


class TestDeletingAllStates:
    async def test_the_tag_is_that_of_the_list(self, client: Client) -> None:
        for state in ("ä", "B", "a"):
            await client.put_anew(STATE, "{}", stateId=state)
        known = (await client.ask("GET", STATE, listing(STATE))).headers["ETag"]
        await client.put_anew(STATE, "{}", stateId="later")
        with pytest.raises(PreconditionFailedError):
            await client.ask("DELETE", STATE, listing(STATE), if_match=known)
        assert len(await client.ids(STATE)) == 4
        await client.ask("DELETE", STATE, {**NAMES[STATE], "stateId": "later"})
        assert (await client.ask("DELETE", STATE, listing(STATE), if_match=known)).status == 204
        assert await client.ids(STATE) == []


class TestHeaders:
    @pytest.mark.parametrize("header", ["", '"', ",", '"a"b"', "* *"])
    def test_what_names_no_tag_matches_nothing(self, header: str) -> None:
        with pytest.raises(PreconditionFailedError):
            Preconditions(if_match=header).require("cafe")
        Preconditions(if_none_match=header).require("cafe")


async def outcomes(requests: list[Coroutine[Any, Any, Answer]]) -> list[int]:
    """The statuses of requests sent at once, in order of their numbers."""
    answers = await asyncio.gather(*requests, return_exceptions=True)
    statuses = []
    for answer in answers:
        if isinstance(answer, AcademeError | Answer):
            statuses.append(answer.status)
        elif isinstance(answer, BaseException):
            raise answer
    return sorted(statuses)


@pytest.mark.parametrize("resource", DOCUMENTS)
class TestAtOnce:
    async def test_one_of_many_makes_it(self, own_database: Database, resource: str) -> None:
        client = Client(own_database, Version.TWO)
        for _ in range(5):
            puts = [client.ask("PUT", resource, body=str(number), if_none_match="*") for number in range(8)]
            assert await outcomes(puts) == [204] + [412] * 7
            await client.ask("DELETE", resource)

    async def test_one_of_many_changes_what_all_have_seen(self, own_database: Database, resource: str) -> None:
        client = Client(own_database, Version.TWO)
        await client.put_anew(resource, "0")
        for _ in range(5):
            seen = await tag(client, resource)
            puts = [client.ask("PUT", resource, body=f"[{number}, {seen}]", if_match=seen) for number in range(8)]
            assert await outcomes(puts) == [204] + [412] * 7

    async def test_no_property_of_concurrent_posts_is_lost(self, own_database: Database, resource: str) -> None:
        client = Client(own_database, Version.TWO)
        posts = [client.ask("POST", resource, body=json.dumps({str(number): number})) for number in range(16)]
        assert await outcomes(posts) == [204] * 16
        assert json.loads(await client.body(resource)) == {str(number): number for number in range(16)}


async def test_states_deleted_while_others_write_do_not_deadlock(own_database: Database) -> None:
    client = Client(own_database, Version.ONE)
    for _ in range(5):
        for number in range(6):
            await client.ask("PUT", STATE, {**NAMES[STATE], "stateId": str(number)}, "{}")
        posts = [client.ask("POST", STATE, {**NAMES[STATE], "stateId": str(number)}, '{"a": 1}') for number in range(6)]
        deletes = [client.ask("DELETE", STATE, listing(STATE)) for _ in range(3)]
        assert await outcomes([*posts, *deletes]) == [204] * 9
        # What is left was written after the deletion, and has nothing of what was deleted.
        for left in await client.ids(STATE):
            assert (await client.ask("GET", STATE, {**NAMES[STATE], "stateId": left})).body == b'{"a": 1}'
