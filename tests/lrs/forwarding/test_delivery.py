"""What arrives here arrives there, once, whatever the other store answers on the way."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from academe.lrs.forwarding.delivery import REFUSED_IN_ROW
from academe.lrs.forwarding.runner import take_turn
from academe.lrs.forwarding.service import retry_letters, skip_statement
from academe.lrs.forwarding.types import ForwardFilter, ForwardState, ForwardVersion, PauseReason
from academe.lrs.keys import key_uuid
from tests.lrs.forwarding.misbehaving import (
    Request,
    accepting,
    answering,
    dripping,
    half_closing,
    is_authorized,
    misbehaving,
    refusing,
    silent,
)
from tests.lrs.forwarding.stores import SYSTEM, VOIDED, Here, There, about, attached, statement

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def to(here: Here, there: There, **more: Any) -> UUID:
    return await here.add_forward(there.endpoint, key=there.key, secret=there.secret, **more)


class TestAnotherAcademe:
    async def test_everything_arrives_once_and_as_it_was(self, here: Here, there: There) -> None:
        before = await here.send(statement(1))
        forward = await to(here, there)
        sent = [statement(number, timestamp="2026-11-20T10:00:00.123Z") for number in range(450)]
        untimed = statement(451)
        ids = [*await here.send(*sent), *await here.send(untimed)]
        after = await here.turn(forward)
        found = await there.statements()
        assert [each["id"] for each in found] == ids
        assert before[0] not in ids
        assert found[3]["timestamp"] == "2026-11-20T10:00:00.123Z"
        assert found[3]["authority"]["account"]["name"] == "forward"
        async with here.client() as client:
            ours = (await client.get("/statements", params={"statementId": untimed["id"]})).json()
        assert found[-1]["timestamp"] == ours["timestamp"]
        assert (after.delivered, after.letters, after.state) == (451, 0, ForwardState.ACTIVE)
        # From the beginning once more: the other store has them all, and takes them as such.
        async with here.database.transaction(SYSTEM) as session:
            await session.execute(text("UPDATE xapi_forward_progress SET position = '2020-01-01Z'"))
        again = await here.turn(forward)
        assert again.letters == 0
        assert sorted(await there.ids()) == sorted([*before, *ids])

    async def test_both_versions_go_to_either(self, here: Here, there: There) -> None:
        forward = await to(here, there, version=ForwardVersion.ONE)
        ids = await here.send(statement(1))
        old = statement(2)
        async with here.client() as client:
            answer = await client.post("/statements", json=old, headers={"X-Experience-API-Version": "1.0.3"})
            assert answer.status_code == 200
        ids.append(old["id"])
        assert (await here.turn(forward)).letters == 0
        other = await to(here, there, since=LONG_AGO)
        assert (await here.turn(other)).letters == 0
        assert await there.ids() == ids

    async def test_attachments_travel_with_their_bytes(self, here: Here, there: There) -> None:
        forward = await to(here, there)
        data = b"a certificate\r\n--with something like a boundary"
        one = attached(statement(1), data)
        sha2 = one["attachments"][0]["sha2"]
        await here.send_attached(one, data)
        await here.send(statement(2))
        assert (await here.turn(forward)).delivered == 2
        async with there.client() as client:
            answer = await client.get("/statements", params={"statementId": one["id"], "attachments": "true"})
        assert data in answer.content
        assert sha2.encode() in answer.content

    async def test_voiding_and_references_travel_or_do_not(self, here: Here, there: There) -> None:
        everything = await to(here, there, wanted=ForwardFilter(verbs=[statement()["verb"]["id"]]))
        first, second = await here.send(statement(1), statement(2))
        await here.turn(everything)
        (comment,) = await here.send(about(first))
        (void,) = await here.send(about(second, VOIDED))
        await here.send(about(str(uuid4())))
        await here.send(statement(3, verb={"id": "http://example.com/verbs/looked"}))
        await here.turn(everything)
        assert await there.ids() == [first, comment, void]
        async with there.client() as client:
            assert (await client.get("/statements", params={"voidedStatementId": second})).status_code == 200

    async def test_what_is_voided_stays_here_where_voiding_does(self, here: Here, there: There) -> None:
        first, second = await here.send(statement(1), statement(2))
        await here.send(about(second, VOIDED), about(first))
        wanted = ForwardFilter(voiding=False, references=False)
        forward = await to(here, there, wanted=wanted, since=LONG_AGO)
        await here.turn(forward)
        assert await there.ids() == [first]

    async def test_each_condition_of_the_filter(self, here: Here, there: There) -> None:
        await here.add_sender("other")
        typed = {"id": "https://x.example/1", "definition": {"type": "http://adlnet.gov/expapi/activities/quiz"}}
        course = {"contextActivities": {"grouping": [{"id": "https://x.example/course"}]}}
        registration = str(uuid4())
        sent = {
            "verb": statement(1, verb={"id": "http://example.com/verbs/liked"}),
            "type": statement(2, object=typed),
            "context": statement(3, context=course),
            "agent": statement(4),
            "object": statement(5, object={"objectType": "Agent", "mbox": "mailto:student4@example.com"}),
            "registration": statement(6, context={"registration": registration}),
        }
        await here.send(*sent.values())
        (others,) = await here.send(statement(7), key="other")
        ids = {name: each["id"] for name, each in sent.items()}
        agent = key_uuid("mbox:student4@example.com")
        for wanted, expected in (
            (ForwardFilter(verbs=["http://example.com/verbs/liked"]), ["verb"]),
            (ForwardFilter(activity_types=["http://adlnet.gov/expapi/activities/quiz"]), ["type"]),
            (ForwardFilter(activities=["https://x.example/course"]), ["context"]),
            (ForwardFilter(activities=["https://x.example/1", "https://x.example/course"]), ["type", "context"]),
            (ForwardFilter(agents=[agent]), ["agent", "object"]),
            (ForwardFilter(registration=UUID(registration)), ["registration"]),
            (ForwardFilter(verbs=["http://example.com/verbs/liked"], agents=[agent]), []),
            (ForwardFilter(senders=[here.ids["other"]]), None),
        ):
            async with misbehaving(accepting) as store:
                forward = await here.add_forward(store.endpoint, wanted=wanted, since=LONG_AGO)
                await here.turn(forward)
                got = [each["id"] for request in store.asked for each in request.statements]
            assert got == ([others] if expected is None else [ids[name] for name in expected]), wanted

    async def test_an_institution_forwards_what_its_senders_send(self, here: Here, there: There) -> None:
        ours, theirs = uuid4(), uuid4()
        await here.add_sender("ours", ours)
        await here.add_sender("theirs", theirs)
        forward = await to(here, there, institution=ours)
        (first,) = await here.send(statement(1), key="ours")
        await here.send(statement(2), key="theirs")
        await here.send(statement(3))
        await here.send(about(first, VOIDED), key="theirs")
        await here.turn(forward)
        assert await there.ids() == [first]

    async def test_definitions_and_attachments_are_those_of_the_institution(self, here: Here) -> None:
        ours, theirs = uuid4(), uuid4()
        await here.add_sender("ours", ours)
        await here.add_sender("theirs", theirs)
        quiz, other = "http://adlnet.gov/expapi/activities/quiz", "https://x.example/other"
        data = b"an essay of somebody else"
        with_content = attached(statement(1), data)
        # The other institution says that the activity is a quiz, and brings the content of the attachment.
        typed = {"id": statement(2)["object"]["id"], "definition": {"type": quiz}}
        await here.send(statement(9, object=typed), key="theirs")
        await here.send_attached(with_content, data, key="theirs")
        named = {**with_content, "id": str(uuid4())}
        named["attachments"] = [each | {"fileUrl": other} for each in named["attachments"]]
        await here.send(statement(2), named, key="ours")
        async with misbehaving(accepting) as store:
            wanted = ForwardFilter(activity_types=[quiz])
            forward = await here.add_forward(store.endpoint, wanted=wanted, institution=ours, since=LONG_AGO)
            assert (await here.turn(forward)).delivered == 0
            forward = await here.add_forward(store.endpoint, institution=ours, since=LONG_AGO)
            assert (await here.turn(forward)).delivered == 2
            assert data not in store.asked[-1].body
            forward = await here.add_forward(store.endpoint, institution=theirs, since=LONG_AGO)
            assert (await here.turn(forward)).delivered == 2
            assert data in store.asked[-1].body


class TestAnswers:
    async def test_busy_waits_as_long_as_it_is_asked_to(self, here: Here) -> None:
        await here.send(statement(1))
        for status, header, least, most in (
            (429, "120", 119, 122),
            (503, (datetime.now(UTC) + timedelta(minutes=5)).strftime("%a, %d %b %Y %H:%M:%S GMT"), 270, 302),
            (503, "soon", 0.5, 3),
        ):
            async with misbehaving(answering(status, Retry_After=header), accepting) as store:
                forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                waiting = await here.turn(forward)
                assert waiting.state is ForwardState.FAILING
                assert str(status) in str(waiting.failure)
                assert waiting.next_attempt_at is not None
                wait = (waiting.next_attempt_at - datetime.now(UTC)).total_seconds()
                assert least <= wait <= most, header
                assert await take_turn(here.database, forward)
                assert len(store.asked) == 1, "it was asked before the wait was over"
                after = await here.turn(forward)
                assert (after.delivered, after.state, after.attempts) == (1, ForwardState.ACTIVE, 0)

    async def test_waits_double_and_batches_halve_while_it_fails(self, here: Here) -> None:
        await here.send(*[statement(number) for number in range(40)])
        async with misbehaving(*[answering(500)] * 4, accepting) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            waits = []
            failing = await here.forward(forward)
            for _ in range(4):
                failing = await here.turn(forward)
                assert failing.next_attempt_at is not None
                waits.append((failing.next_attempt_at - datetime.now(UTC)).total_seconds())
            assert failing.attempts == 4
            assert 7 < waits[3] <= 16
            assert waits[0] <= 2
            after = await here.turn(forward)
            assert after.delivered == 40
            assert [len(each.statements) for each in store.asked] == [40, 40, 40, 25, 12, 24, 4]
            assert sorted({each["id"] for request in store.asked[4:] for each in request.statements}) == sorted(
                {each["id"] for each in store.asked[0].statements}
            )

    async def test_credentials_that_are_refused_pause_it(self, here: Here) -> None:
        await here.send(statement(1))
        for status in (401, 403):
            async with misbehaving(answering(status)) as store:
                forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                paused = await here.turn(forward)
                assert (paused.state, paused.pause_reason) == (ForwardState.PAUSED, PauseReason.CREDENTIALS)
                assert str(status) in str(paused.failure)
                await here.turn(forward)
                assert len(store.asked) == 1
                assert is_authorized(store.asked[0])
            async with here.database.transaction(SYSTEM) as session:
                kind = {"kind": "lrs.forward_paused", "forward": str(forward)}
                told = text(
                    "SELECT payload FROM outbox_message WHERE kind = :kind AND payload->>'forward_id' = :forward"
                )
                (fact,) = (await session.scalars(told, kind)).all()
            assert (fact["name"], fact["why"]) == ("There", paused.failure)

    async def test_one_that_is_refused_is_found_and_laid_aside(self, here: Here) -> None:
        sent = [statement(number) for number in range(30)]
        bad = {sent[7]["id"], sent[8]["id"], sent[29]["id"]}
        await here.send(*sent)
        for status in (400, 413):
            reply = refusing(lambda each: each["id"] in bad, status, "mbox is not liked")
            async with misbehaving(reply) as store:
                forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                after = await here.turn(forward)
                assert (after.delivered, after.letters, after.state) == (27, 3, ForwardState.ACTIVE)
                letters = await here.letters(forward)
                assert {str(each.statement_id) for each in letters} == bad
                assert {(each.status, each.answer) for each in letters} == {(status, "mbox is not liked")}
                # Sent again once the other store has learned to like them.
                store.replies[:] = [accepting]
                async with here.database.transaction(SYSTEM) as session:
                    assert await retry_letters(session, actor=SYSTEM, forward_id=forward) == 3
                after = await here.turn(forward)
                assert (after.delivered, after.letters) == (30, 0)

    async def test_batches_become_as_small_as_the_other_store_wants_them(self, here: Here) -> None:
        here.database.settings = here.database.settings.model_copy(update={"xapi_forward_statements": 32})
        await here.send(*[statement(number) for number in range(96)])

        async def narrow(request: Request, writer: asyncio.StreamWriter) -> None:
            await (answering(413) if len(request.statements) > 8 else accepting)(request, writer)

        async with misbehaving(narrow) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            after = await here.turn(forward)
            assert (after.delivered, after.letters) == (96, 0)
            # 32 in halves, then 8, and 16 every other time, in case it has changed its mind.
            assert [len(each.statements) for each in store.asked][:12] == [32, 16, 8, 8, 16, 8, 8, 8, 16, 8, 8, 8]

    async def test_a_letter_that_fails_again_is_dead_again_and_nobody_waits_for_it(self, here: Here) -> None:
        bad, good = await here.send(statement(1), statement(2))
        async with misbehaving(refusing(lambda each: each["id"] == bad, 422)) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            assert (await here.turn(forward)).letters == 1
            store.replies[:] = [refusing(lambda each: each["id"] == bad, 500)]
            async with here.database.transaction(SYSTEM) as session:
                await retry_letters(session, actor=SYSTEM, forward_id=forward)
            (later,) = await here.send(statement(3))
            after = await here.turn(forward)
            assert (after.delivered, after.letters, after.state) == (2, 1, ForwardState.ACTIVE)
            assert [each["id"] for each in store.asked[-1].statements] == [later]
            (letter,) = await here.letters(forward)
            assert (letter.status, letter.again_at) == (500, None)
            # A store that is away is another matter: the letter goes on waiting.
            store.replies[:] = [answering(503), accepting]
            async with here.database.transaction(SYSTEM) as session:
                await retry_letters(session, actor=SYSTEM, forward_id=forward)
            assert (await here.turn(forward)).state is ForwardState.FAILING
            assert (await here.turn(forward)).letters == 0
            assert good

    async def test_409_counts_as_delivered_only_for_the_same_statement(self, here: Here, there: There) -> None:
        same, other = statement(1), statement(2)
        async with there.client() as client:
            changed = {**other, "result": {"success": True}}
            assert (await client.post("/statements", json=[same, changed])).status_code == 200
        ids = await here.send(same, other, statement(3))
        forward = await to(here, there, since=LONG_AGO)
        after = await here.turn(forward)
        assert (after.delivered, after.letters) == (2, 1)
        (letter,) = await here.letters(forward)
        assert (str(letter.statement_id), letter.status) == (other["id"], 409)
        assert set(await there.ids()) == set(ids)

    async def test_409_for_what_is_there_is_looked_at(self, here: Here) -> None:
        one = statement(1)
        await here.send(one)
        for reply, delivered in ((answering(200, one), 1), (answering(403), 0)):
            async with misbehaving(answering(409), reply) as store:
                forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                after = await here.turn(forward)
                assert (after.delivered, after.letters) == (delivered, 1 - delivered)
                assert store.asked[1].method == "GET"

    async def test_a_store_that_refuses_everything_pauses_it(self, here: Here) -> None:
        await here.send(*[statement(number) for number in range(60)])
        async with misbehaving(answering(400, "wrong version")) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            after = await here.turn(forward)
            assert after.pause_reason is PauseReason.EVERYTHING_REFUSED
            assert after.letters == REFUSED_IN_ROW

    async def test_no_answer_a_slow_one_and_half_of_one(self, here: Here) -> None:
        here.database.settings = here.database.settings.model_copy(update={"xapi_forward_timeout_seconds": 1})
        await here.send(statement(1))
        for reply, words in ((silent, "within 1 s"), (dripping, "within 1 s"), (half_closing, "before the answer")):
            async with misbehaving(reply, accepting) as store:
                forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                failing = await here.turn(forward)
                assert words in str(failing.failure)
                assert (failing.delivered, failing.position) == (0, failing.starts_after)
                assert (await here.turn(forward)).delivered == 1
        forward = await here.add_forward("http://127.0.0.1:9/xapi", since=LONG_AGO)
        assert "cannot be reached" in str((await here.turn(forward)).failure)

    async def test_stores_that_do_not_name_what_they_had_are_asked_for_it(self, here: Here) -> None:
        """As Ralph does: 200 with the ids that are new to it, 204 when none is."""
        there: dict[str, Any] = {}

        async def store_new(request: Request, writer: asyncio.StreamWriter) -> None:
            if request.method == "GET":
                found = there.get(request.target.rpartition("=")[2])
                await answering(200, {"statements": [] if found is None else [found]})(request, writer)
                return
            new = [each["id"] for each in request.statements if each["id"] not in there]
            there.update({each["id"]: each for each in request.statements if each["id"] in new})
            await (answering(200, new) if new else answering(204))(request, writer)

        async with misbehaving(store_new) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            ids = await here.send(*[statement(number) for number in range(4)])
            there[ids[1]] = {**statement(1), "id": ids[1]}
            there[ids[2]] = {**statement(2), "id": ids[2], "result": {"success": False}}
            after = await here.turn(forward)
            assert (after.delivered, after.letters, after.state) == (3, 1, ForwardState.ACTIVE)
            assert [str(each.statement_id) for each in await here.letters(forward)] == [ids[2]]
            # The answer was lost: all of it is sent once more, and is there.
            async with here.database.transaction(SYSTEM) as session:
                await session.execute(text("UPDATE xapi_forward_progress SET position = '2020-01-01Z', delivered = 0"))
            after = await here.turn(forward)
            assert (after.delivered, after.letters, after.state) == (3, 1, ForwardState.ACTIVE)
        async with misbehaving(answering(204), answering(403)) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            failing = await here.turn(forward)
            assert (failing.delivered, failing.state) == (0, ForwardState.FAILING)
            assert "statements/read/mine" in str(failing.failure)

    async def test_only_ids_acknowledge_and_redirects_are_not_followed(self, here: Here) -> None:
        await here.send(statement(1))
        async with misbehaving(accepting) as trap:
            for reply, words in (
                (answering(200, "<html>welcome</html>"), "without the ids"),
                (answering(200, [str(uuid4())]), "without the ids"),
                (answering(200, []), "without the ids"),
                (answering(200, {"ids": []}), "without the ids"),
                (answering(302, Location=f"{trap.endpoint}/statements"), "another address"),
                (answering(307, Location=f"{trap.endpoint}/statements"), "another address"),
                (answering(404), "no learning record store"),
            ):
                async with misbehaving(reply) as store:
                    forward = await here.add_forward(store.endpoint, since=LONG_AGO)
                    failing = await here.turn(forward)
                    assert words in str(failing.failure)
                    assert failing.delivered == 0
            assert trap.asked == []

    async def test_a_statement_can_be_skipped(self, here: Here) -> None:
        first, second = await here.send(statement(1), statement(2))
        async with misbehaving(refusing(lambda each: each["id"] == first, 500)) as store:
            forward = await here.add_forward(store.endpoint, since=LONG_AGO)
            for _ in range(9):
                await here.turn(forward)
            assert (await here.forward(forward)).delivered == 0
            skipped = await skip_statement(here.database, actor=SYSTEM, forward_id=forward)
            assert str(skipped) == first
            after = await here.turn(forward)
            assert (after.delivered, after.letters) == (1, 1)
            assert store.asked[-1].statements[0]["id"] == second
