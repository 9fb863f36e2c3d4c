"""GET of statements through its handler, by the numbers of the list of conformance requirements."""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from academe.lrs.http.edge import CONSISTENT_THROUGH
from academe.lrs.senders.types import Scope
from academe.lrs.statements.attachments import keep_attachments
from academe.lrs.statements.errors import StatementNotFoundError
from academe.lrs.xapi.faults import XapiFault
from academe.lrs.xapi.multipart import Attachment
from academe.lrs.xapi.versions import Version
from academe.platform.database.session import Session
from academe.platform.files.choice import file_store
from tests.lrs.statements.kept import (
    ADA,
    BOB,
    CID,
    COURSE,
    FIRST,
    QUIZ,
    SENDER,
    VERB,
    VOIDED,
    Keeper,
    Reader,
    agent,
    parameters_of,
    sender_named,
    statement,
    voiding,
)
from tests.lrs.xapi import samples
from tests.support.transactions import JoinedDatabase

pytestmark = pytest.mark.anyio

ID = "6d969975-8d7e-4506-ac19-877c57f2921a"
TIME = "2026-11-21T10:00:00.000Z"
LIST_PARAMETERS = {
    "agent": agent(ADA),
    "verb": VERB,
    "activity": QUIZ,
    "registration": ID,
    "related_activities": "true",
    "related_agents": "true",
    "since": TIME,
    "until": TIME,
    "limit": "1",
    "ascending": "true",
    "more": "x",
}
# What is required, the parameters, and what stands in each.
RULES: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("XAPI-00012 UUID", ("statementId", "voidedStatementId", "registration"), ("", "true", ID[1:])),
    ("XAPI-00012 agent", ("agent",), ("", "not JSON", "true", "[]", '{"mbox":', '{"name": "Ada"}', '{"mbox": "ada"}')),
    ("XAPI-00012 anonymous group", ("agent",), (json.dumps({"objectType": "Group", "member": [ADA]}),)),
    ("XAPI-00012 two identifiers", ("agent",), (json.dumps({**ADA, "openid": "https://ada.example.com"}),)),
    ("XAPI-00012 IRI", ("verb", "activity"), ("", "true", "example.com/verb")),
    ("XAPI-00012 time", ("since", "until"), ("", "true", "not a timestamp")),
    ("XAPI-00012 boolean", ("related_agents", "related_activities", "ascending", "attachments"), ("", "yes", "1")),
    ("XAPI-00012 limit", ("limit",), ("", "-1", "1.5", "one", "\u0663", "9" * 40)),
    ("XAPI-00012 format", ("format",), ("", "EXACT", "full")),
    ("the cursor is ours", ("more",), ("", "x", "AAAA", "\xe9")),
]
WRONG = [(rule, name, value) for rule, names, values in RULES for name in names for value in values]


@pytest.fixture
def filed(database: JoinedDatabase, tmp_path: Path) -> Iterator[JoinedDatabase]:
    """The test's database with files of its own."""
    before = database.settings
    database.settings = before.model_copy(update={"files_dir": tmp_path / "files"})
    yield database
    database.settings = before


class TestParameters:
    @pytest.mark.parametrize(("requirement", "name", "value"), WRONG)
    async def test_wrong(self, reader: Reader, requirement: str, name: str, value: str) -> None:
        with pytest.raises(XapiFault) as refused:
            await reader.get({name: value})
        assert refused.value.pointer.startswith(f"?{name}"), requirement

    @pytest.mark.parametrize("single", ["statementId", "voidedStatementId"])
    @pytest.mark.parametrize("name", sorted(LIST_PARAMETERS))
    async def test_single_excludes_lists(self, reader: Reader, single: str, name: str) -> None:
        """XAPI-00150, XAPI-00151."""
        with pytest.raises(XapiFault) as refused:
            await reader.get({single: ID, name: LIST_PARAMETERS[name]})
        assert refused.value.pointer == f"?{name}"

    async def test_one_single(self, reader: Reader) -> None:
        """XAPI-00152."""
        with pytest.raises(XapiFault, match="voidedStatementId"):
            await reader.get({"statementId": ID, "voidedStatementId": ID})

    async def test_single_in_every_form(self, reader: Reader, keeper: Keeper) -> None:
        """XAPI-00150, XAPI-00151: `format` and `attachments` go together with an id."""
        (found,) = await keeper.keep(statement())
        for form in ("exact", "ids", "canonical"):
            answer = await reader.get({"statementId": found.upper(), "format": form, "attachments": "false"})
            assert json.loads(answer.body)["id"] == found


class TestSingle:
    async def test_not_there(self, reader: Reader) -> None:
        for name in ("statementId", "voidedStatementId"):
            with pytest.raises(StatementNotFoundError):
                await reader.get({name: ID})

    @pytest.mark.parametrize("version", list(Version))
    async def test_as_sent(self, keeper: Keeper, database: JoinedDatabase, version: Version) -> None:
        """XAPI-00096, XAPI-00168, XAPI-00170: as sent, with what the store says of it."""
        sent = samples.full(version)
        await keeper.keep(sent, version=version)
        got = await Reader(database, version).result({"statementId": sent["id"]})
        assert got["authority"] == SENDER.authority
        assert got["stored"] == FIRST.isoformat(timespec="microseconds").replace("+00:00", "Z")
        changed = {"authority", "stored", "context", "object"}
        assert {key: value for key, value in got.items() if key not in changed} == {
            key: value for key, value in sent.items() if key not in changed
        }
        for activities in got["context"]["contextActivities"].values():
            assert isinstance(activities, list)

    async def test_added(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00023, XAPI-00122: times have a fraction, and the timestamp is the time of storing."""
        sent = statement()
        await keeper.keep(sent)
        got = await reader.result({"statementId": sent["id"]})
        assert got["timestamp"] == got["stored"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:01\.000000Z", got["stored"])
        assert got["version"] == "2.0.0"

    async def test_scripts_and_numbers(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00002, XAPI-00015."""
        display = {"ar": "أكمل", "zh": "完成", "he": "הושלם", "x-sign": '𝌆 " \\ / \u2028 \x7f'}
        numbers = {"https://example.com/ext/n": [0.12123434, 12.125, 1e-300, 10**18, -0.5, 1.0]}
        sent = statement(verb={"id": VERB, "display": display}, result={"extensions": numbers})
        await keeper.keep(sent)
        got = await reader.result({"statementId": sent["id"]})
        assert got["verb"]["display"] == display
        assert got["result"]["extensions"] == numbers

    async def test_voided(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00016, XAPI-00018, XAPI-00148: each is found by the parameter for what it is."""
        target = statement()
        first = voiding(target["id"])
        second = voiding(first["id"])
        await keeper.keep(target, first, second)
        assert (await reader.result({"voidedStatementId": target["id"]}))["id"] == target["id"]
        for one in (first, second):
            assert (await reader.result({"statementId": one["id"]}))["verb"] == {"id": VOIDED}
        for parameters in ({"statementId": target["id"]}, {"voidedStatementId": first["id"]}):
            with pytest.raises(StatementNotFoundError):
                await reader.get(parameters)

    async def test_of_another_sender(self, keeper: Keeper, reader: Reader) -> None:
        """Who may read only what it sent finds nothing of others."""
        target, other = statement(), statement()
        await keeper.keep(target, voiding(target["id"]), other)
        mine = sender_named("mine", Scope.READ_OWN_STATEMENTS)
        own_target = statement()
        (one, _) = await keeper.keep(own_target, voiding(target["id"]), sender=mine)
        await keeper.keep(voiding(own_target["id"]))
        own = Reader(reader.database, reader.version, mine)
        assert (await own.result({"voidedStatementId": one}))["id"] == one
        for parameters in ({"statementId": other["id"]}, {"voidedStatementId": target["id"]}):
            assert (await reader.get(parameters)).status == 200
            with pytest.raises(StatementNotFoundError):
                await own.get(parameters)


class TestList:
    async def test_nothing_found(self, reader: Reader) -> None:
        """XAPI-00149: an empty list, and that there is no more."""
        answer = await reader.get({"verb": VERB})
        assert answer.status == 200
        assert json.loads(answer.body) == {"statements": [], "more": ""}
        assert "Last-Modified" not in answer.headers

    async def test_pages(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00108 to XAPI-00113: links lead through everything once, in either order."""
        found = await keeper.keep(*(statement() for _ in range(5)))
        for parameters, expected in (({}, found[::-1]), ({"ascending": "true"}, found)):
            first = await reader.result({"limit": "2", **parameters})
            assert [one["id"] for one in first["statements"]] == expected[:2]
            assert first["more"].startswith("/xapi/statements?")
            assert await reader.ids(limit="2", **parameters) == expected
            assert await reader.ids(limit="5", **parameters) == expected

    async def test_what_comes_meanwhile(self, keeper: Keeper, reader: Reader) -> None:
        """Pages from the newest on do not shift, and those from the oldest on end with the newest."""
        found = await keeper.keep(*(statement() for _ in range(3)))
        down = await reader.result({"limit": "2"})
        up = await reader.result({"limit": "2", "ascending": "true"})
        (later,) = await keeper.keep(statement())
        assert [one["id"] for one in (await reader.result(parameters_of(down["more"])))["statements"]] == found[:1]
        assert await reader.ids(**parameters_of(up["more"])) == [found[2], later]

    async def test_links_keep_the_filter(self, keeper: Keeper, reader: Reader) -> None:
        await keeper.keep(*(statement(actor=CID if number % 2 else ADA) for number in range(6)))
        given = {"agent": agent(CID), "format": "ids", "limit": "1", "since": FIRST.isoformat(), "attachments": "false"}
        first = await reader.result(given)
        parameters = parameters_of(first["more"])
        assert {name: value for name, value in parameters.items() if name != "more"} == given

    async def test_cursor_of_another_list(self, keeper: Keeper, reader: Reader) -> None:
        """A cursor goes with the parameters and the sender that it was made for."""
        await keeper.keep(*(statement() for _ in range(3)))
        parameters = parameters_of((await reader.result({"limit": "1"}))["more"])
        for other in ({**parameters, "verb": VERB}, {**parameters, "ascending": "true"}, {"more": parameters["more"]}):
            with pytest.raises(XapiFault) as refused:
                await reader.get(other)
            assert refused.value.pointer == "?more"
        with pytest.raises(XapiFault):
            await Reader(reader.database, reader.version, sender_named("another")).get(parameters)

    async def test_limits(self, keeper: Keeper, reader: Reader, database: JoinedDatabase) -> None:
        """0 and nothing are as many as a page can have, and so is more than that."""
        found = await keeper.keep(*(statement() for _ in range(4)))
        before = database.settings
        database.settings = before.model_copy(update={"xapi_page_statements": 3})
        try:
            for parameters in ({}, {"limit": "0"}, {"limit": "4"}, {"limit": "999999999999999999"}):
                result = await reader.result(parameters)
                assert [one["id"] for one in result["statements"]] == found[:0:-1]
                assert result["more"]
            assert len((await reader.result({"limit": "2"}))["statements"]) == 2
        finally:
            database.settings = before

    async def test_last_modified(self, keeper: Keeper, reader: Reader) -> None:
        """The newest of the statements returned, and the time of storing of a single one."""
        found = await keeper.keep(*(statement() for _ in range(3)))
        for parameters, seconds in (({}, 2), ({"limit": "1", "ascending": "true"}, 0), ({"statementId": found[1]}, 1)):
            answer = await reader.get(parameters)
            modified = parsedate_to_datetime(answer.headers["Last-Modified"])
            assert modified == FIRST + timedelta(seconds=seconds), parameters


class TestFormats:
    async def test_ids(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00171: nothing but what identifies."""
        context = {
            "instructor": {**BOB, "name": "Bob"},
            "contextActivities": {"category": [{"id": COURSE, "definition": {"name": {"en": "Course"}}}]},
        }
        sent = statement(
            actor={"objectType": "Group", "name": "Two", "member": [{**ADA, "name": "Ada"}]},
            verb={"id": VERB, "display": {"en": "completed"}},
            object={"objectType": "Activity", "id": QUIZ, "definition": {"name": {"en": "Quiz"}}},
            context=context,
        )
        await keeper.keep(sent)
        (got,) = (await reader.result({"format": "ids"}))["statements"]
        assert got["actor"] == {"objectType": "Group", "member": [ADA]}
        assert got["verb"] == {"id": VERB}
        assert got["object"] == {"id": QUIZ}
        assert got["context"] == {"instructor": BOB, "contextActivities": {"category": [{"id": COURSE}]}}
        assert got["authority"] == SENDER.authority

    async def test_canonical(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00169, XAPI-00172, XAPI-00254: what is known from all statements, in one language."""
        definition = {
            "name": {"en-US": "Quiz", "en-GB": "Quiz (GB)"},
            "type": "http://adlnet.gov/expapi/activities/assessment",
            "extensions": {"https://example.com/ext/a": 1},
        }
        verb = {"id": VERB, "display": {"en-US": "completed", "en-GB": "did complete"}}
        told = statement(verb=verb, object={"id": QUIZ, "definition": definition})
        french = statement(object={"id": QUIZ, "definition": {"name": {"fr-FR": "Devoir"}}})
        plain = statement(context={"contextActivities": {"parent": [{"id": QUIZ}], "other": [{"id": COURSE}]}})
        nested = statement(
            object={"objectType": "SubStatement", "actor": ADA, "verb": {"id": VERB}, "object": {"id": QUIZ}}
        )
        await keeper.keep(told, french, plain, nested)
        for language, name, display in (("en-GB", "Quiz (GB)", "did complete"), ("fr", "Devoir", "did complete")):
            page = await reader.result({"format": "canonical", "ascending": "true"}, accept_language=language)
            tag = {"en-GB": "en-GB", "fr": "fr-FR"}[language]
            for one in page["statements"][:3]:
                assert one["object"]["definition"] == {**definition, "name": {tag: name}}
                assert list(one["verb"]["display"].values()) == [display]
            in_context = page["statements"][2]["context"]["contextActivities"]
            assert in_context == {
                "parent": [{"id": QUIZ, "definition": {**definition, "name": {tag: name}}}],
                "other": [{"id": COURSE}],
            }
            assert page["statements"][3]["object"]["object"]["definition"]["name"] == {tag: name}
            assert list(page["statements"][3]["object"]["verb"]["display"].values()) == [display]

    async def test_language_without_format(self, keeper: Keeper, reader: Reader) -> None:
        """XAPI-00172: without a format, the languages are as sent."""
        display = {"en-US": "completed", "en-GB": "did complete"}
        await keeper.keep(statement(verb={"id": VERB, "display": display}))
        (got,) = (await reader.result(accept_language="en-GB"))["statements"]
        assert got["verb"]["display"] == display


class TestAttachments:
    @staticmethod
    def described(data: bytes) -> dict[str, Any]:
        return {
            "usageType": "https://example.com/usage/essay",
            "display": {"en": "Essay"},
            "contentType": "text/plain",
            "length": len(data),
            "sha2": hashlib.sha256(data).hexdigest(),
        }

    async def kept(self, session: Session, database: JoinedDatabase, *contents: bytes) -> None:
        store = file_store(database.settings)
        given = [Attachment(hashlib.sha256(data).hexdigest(), "text/plain", data) for data in contents]
        await keep_attachments(session, store, given)

    async def test_contents(self, keeper: Keeper, session: Session, filed: JoinedDatabase) -> None:
        """XAPI-00127 to XAPI-00135: each content once, whoever has it, behind the statements."""
        essay, picture = b"an essay\r\n--", bytes(range(256))
        await self.kept(session, filed, essay, picture)
        sub = {"objectType": "SubStatement", "actor": ADA, "verb": {"id": VERB}, "object": {"id": QUIZ}}
        await keeper.keep(
            statement(
                attachments=[self.described(essay), {**self.described(b"far"), "fileUrl": "https://example.com/far"}]
            ),
            statement(attachments=[self.described(essay)]),
            statement(object={**sub, "attachments": [self.described(picture)]}),
        )
        answer = await Reader(filed).get({"attachments": "true", "ascending": "true"})
        match = re.fullmatch(r"multipart/mixed; boundary=([0-9A-Za-z_-]+)", answer.content_type)
        assert match
        delimiter = f"--{match[1]}".encode()
        start, first, *others, end = (b"\r\n" + answer.body).split(b"\r\n" + delimiter)
        assert (start, end) == (b"", b"--\r\n")
        headers, body = first.split(b"\r\n\r\n", 1)
        assert headers == b"\r\nContent-Type: application/json"
        assert len(json.loads(body)["statements"]) == 3
        assert [part.split(b"\r\n\r\n", 1)[1] for part in others] == [essay, picture]
        for part, data in zip(others, (essay, picture), strict=True):
            digest = hashlib.sha256(data).hexdigest()
            assert f"X-Experience-API-Hash: {digest}\r\n".encode() in part + b"\r\n"
            assert b"Content-Transfer-Encoding: binary" in part
        assert CONSISTENT_THROUGH in answer.headers

    async def test_more_than_memory(self, keeper: Keeper, session: Session, filed: JoinedDatabase) -> None:
        """A page ends where its attachments would be more than one request may bring; none is left out in the end."""
        filed.settings = filed.settings.model_copy(update={"xapi_request_limit_mebibytes": 1})
        contents = [bytes([number]) * 600_000 for number in range(3)]
        await self.kept(session, filed, *contents)
        found = await keeper.keep(*(statement(attachments=[self.described(data)]) for data in contents), statement())
        reader, given, pages = Reader(filed), {"attachments": "true", "ascending": "true"}, []
        while given:
            answer = await reader.get(given)
            result = json.loads(answer.body[answer.body.index(b"{") : answer.body.index(b"}\r\n--") + 1])
            pages.append([one["id"] for one in result["statements"]])
            assert answer.body.count(b"X-Experience-API-Hash") == sum(one in found[:3] for one in pages[-1])
            given = parameters_of(result["more"]) if result["more"] else {}
        assert pages == [found[:1], found[1:2], found[2:]]

    async def test_none(self, keeper: Keeper, filed: JoinedDatabase) -> None:
        """Multipart is what was asked for, also without any content."""
        (one,) = await keeper.keep(statement())
        for parameters in ({}, {"statementId": one}, {"verb": VOIDED}):
            answer = await Reader(filed).get({**parameters, "attachments": "true"})
            assert answer.content_type.startswith("multipart/mixed; boundary=")

    async def test_without(self, keeper: Keeper, session: Session, filed: JoinedDatabase) -> None:
        await self.kept(session, filed, b"essay")
        await keeper.keep(statement(attachments=[self.described(b"essay")]))
        for parameters in ({}, {"attachments": "false"}):
            answer = await Reader(filed).get(parameters)
            assert answer.content_type == "application/json"
