"""What lines of other stores become, without a database."""

import io
from typing import Any

import pytest

from academe.lrs.bulk.checkpoints import Progress
from academe.lrs.bulk.compression import plain
from academe.lrs.bulk.errors import DamagedFileError
from academe.lrs.bulk.importing import check_statements
from academe.lrs.bulk.lines import Line, ReadLine, RefusedLine, Rules, chunks, read_line
from academe.lrs.xapi.versions import Version
from tests.lrs.bulk.files import compressed, exported, lines_of

RULES = Rules(longest=10_000)
ATTACHED: dict[str, Any] = {
    "usageType": "https://example.com/certificate",
    "display": {"en": "Certificate"},
    "contentType": "text/plain",
    "length": 3,
    "sha2": "a" * 64,
}


def read(value: object, rules: Rules = RULES, *, number: int = 7) -> ReadLine | RefusedLine | None:
    return read_line(Line(number, lines_of([value])), rules)


def refused(value: object, rules: Rules = RULES) -> tuple[str, str]:
    found = read(value, rules)
    assert isinstance(found, RefusedLine)
    assert found.line == 7
    return found.pointer, found.message


def accepted(value: object, rules: Rules = RULES) -> ReadLine:
    found = read(value, rules)
    assert isinstance(found, ReadLine), found
    return found


class TestVersions:
    @pytest.mark.parametrize(
        ("named", "version"), [("1.0", Version.ONE), ("1.0.3", Version.ONE), ("2.0.0", Version.TWO)]
    )
    def test_each_statement_is_held_to_the_version_it_names(self, named: str, version: Version) -> None:
        assert accepted(exported(1, version=named)).version is version

    def test_without_one_it_is_of_the_first(self) -> None:
        statement = exported(1)
        del statement["version"]
        assert accepted(statement).version is Version.ONE

    @pytest.mark.parametrize("named", ["0.95", "3.0.0", 2, None, []])
    def test_others_are_refused(self, named: object) -> None:
        assert refused(exported(1, version=named))[0] == "/version"

    def test_what_only_the_second_knows_is_refused_in_the_first(self) -> None:
        agents = [{"objectType": "contextAgent", "agent": {"mbox": "mailto:a@example.com"}}]
        assert accepted(exported(1, version="2.0.0", context={"contextAgents": agents})).line == 7
        assert refused(exported(1, version="1.0.3", context={"contextAgents": agents}))[0] == "/context/contextAgents"

    def test_a_property_twice_is_refused_in_the_second(self) -> None:
        line = lines_of([exported(1, version="2.0.0")]).replace(b'"verb":', b'"verb": {"id": "x:y"}, "verb":')
        found = read_line(Line(1, line), RULES)
        assert isinstance(found, RefusedLine)
        assert found.pointer == "/verb"


class TestForeignFiles:
    def test_other_shapes_are_named(self) -> None:
        assert "another value" in refused([exported(1)])[1]
        assert "another value" in refused("text")[1]
        assert refused({"statements": [exported(1)], "more": ""})[0] == "/statements"
        assert refused({"_id": "1", "statement": exported(1)})[0] == "/statement"

    @pytest.mark.parametrize("body", [b"{", b"\xff", b"id,actor,verb", b"<xml/>", b'{"a": NaN}', b"[" * 10_000])
    def test_what_is_no_json_is_refused(self, body: bytes) -> None:
        found = read_line(Line(1, body), RULES)
        assert isinstance(found, RefusedLine)
        assert found.pointer == ""

    def test_marks_line_ends_and_empty_lines_do_not_matter(self) -> None:
        content = (
            b"\xef\xbb\xbf" + lines_of([exported(1)]).replace(b"\n", b"\r\n") + b"\n  \n" + lines_of([exported(2)])
        )
        progress = check_statements(io.BytesIO(content[:-1]), RULES, lambda _: None)
        assert (progress.lines, progress.accepted, progress.refused) == (4, 2, 0)
        assert progress.offset == len(content) - 1

    def test_long_lines_are_refused_and_passed_over(self) -> None:
        content = b"x" * 25_000 + b"\n" + lines_of([exported(1)]) + b"y" * 10_001
        progress = check_statements(io.BytesIO(content), RULES, lambda _: None)
        assert (progress.lines, progress.accepted, progress.offset) == (3, 1, len(content))
        assert [line.line for line in progress.first_refused] == [1, 3]

    def test_the_time_of_the_other_store_stays(self) -> None:
        assert accepted(exported(1)).statement["timestamp"] == "2019-05-04T03:02:01.123Z"
        own = accepted(exported(1, timestamp="2018-01-01T00:00:00Z"))
        assert own.statement["timestamp"] == "2018-01-01T00:00:00Z"

    def test_a_statement_without_id_gets_the_same_one_each_time(self) -> None:
        statement = exported(1)
        del statement["id"]
        assert accepted(statement).statement["id"] == accepted(statement).statement["id"]
        other = read(statement, number=8)
        assert isinstance(other, ReadLine)
        assert other.statement["id"] != accepted(statement).statement["id"]


class TestAttachments:
    def test_with_an_address_they_pass(self) -> None:
        assert accepted(exported(1, attachments=[{**ATTACHED, "fileUrl": "https://old.example.org/a"}])).line == 7

    def test_without_data_they_are_refused_unless_wanted(self) -> None:
        statement = exported(1, attachments=[{**ATTACHED, "fileUrl": "https://old.example.org/a"}, ATTACHED])
        pointer, message = refused(statement)
        assert pointer == "/attachments/1"
        assert "cannot bring the data" in message
        assert accepted(statement, Rules(longest=10_000, without_contents=True)).line == 7


class TestChunks:
    def test_the_same_id_is_never_twice_in_one(self) -> None:
        content = lines_of([exported(1), exported(2), exported(1, version="1.0.0"), exported(3)])
        parts = list(chunks(io.BytesIO(content), RULES, offset=0, line=0))
        assert [[line.line for line in part.statements] for part in parts] == [[1, 2], [3, 4]]
        assert parts[0].offset == len(lines_of([exported(1), exported(2)]))

    def test_many_lines_are_many_chunks(self) -> None:
        content = lines_of([exported(number) for number in range(1, 1_201)])
        parts = list(chunks(io.BytesIO(content), RULES, offset=0, line=0))
        assert [len(part.statements) for part in parts] == [500, 500, 200]
        assert (parts[-1].offset, parts[-1].line) == (len(content), 1_200)

    def test_ends_at_the_first_refused_if_wanted(self) -> None:
        content = lines_of([exported(1), {}, exported(2), {}])
        progress = check_statements(io.BytesIO(content), Rules(10_000, stop_at_first=True), lambda _: None)
        assert (progress.lines, progress.accepted, progress.refused) == (2, 1, 1)

    @pytest.mark.parametrize("suffix", [".gz", ".zst"])
    def test_what_stands_before_a_cut_is_read(self, suffix: str) -> None:
        whole = compressed(lines_of([exported(number) for number in range(1, 3_001)]), suffix)
        stream = plain(io.BufferedReader(io.BytesIO(whole[: len(whole) * 2 // 3])))
        seen: list[Progress] = []
        with pytest.raises(DamagedFileError, match="cut or broken after line"):
            check_statements(stream, RULES, seen.append)
        assert 500 < seen[-1].accepted == seen[-1].lines < 3_000
        assert not seen[-1].refused
