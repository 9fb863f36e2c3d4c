"""Wrong, truncated, re-ordered or foreign files get an error that names the place, and leave no trace."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from academe.operations.api import import_oulad
from academe.operations.errors import Fault, SourceRefusedError
from academe.operations.oulad import files
from academe.platform.actor import Actor
from academe.platform.database.session import Database
from tests.operations.mini_oulad import MiniOulad
from tests.operations.state import contents

pytestmark = pytest.mark.anyio

Change = Callable[[MiniOulad], object]


def put(file: str, line: int, column: int, value: object) -> Change:
    """Put a value into a line of a file (the header being line 1) and a column (from 0)."""

    def change(mini: MiniOulad) -> None:
        mini.rows[file][line - 2][column] = value

    return change


def add(file: str, *values: object) -> Change:
    """Add a line to a file."""
    return lambda mini: mini.rows[file].append(list(values))


def remove(file: str, line: int) -> Change:
    """Remove a line of a file."""
    return lambda mini: mini.rows[file].pop(line - 2)


def rename(file: str, old: str, new: str) -> Change:
    """Rename columns of a header."""

    def change(mini: MiniOulad) -> None:
        mini.headers[file] = mini.headers[file].replace(old, new)

    return change


WRONG_ROWS: dict[str, tuple[Change, Fault]] = {
    "not a whole number": (
        put("studentVle.csv", 4, 5, "many"),
        Fault("studentVle.csv", 4, "sum_click", '"many" is not a whole number'),
    ),
    "negative clicks": (
        put("studentVle.csv", 4, 5, -1),
        Fault("studentVle.csv", 4, "sum_click", "-1 is not from 1 to 1000000"),
    ),
    "no clicks": (
        put("studentVle.csv", 4, 5, 0),
        Fault("studentVle.csv", 4, "sum_click", "0 is not from 1 to 1000000"),
    ),
    "a number out of all bounds": (
        put("studentVle.csv", 2, 2, "99999999999999"),
        Fault("studentVle.csv", 2, "id_student", '"99999999999999" is not a whole number'),
    ),
    "an empty value": (
        put("studentVle.csv", 9, 4, ""),
        Fault("studentVle.csv", 9, "date", "is empty"),
    ),
    "a student unknown to the log": (
        put("studentVle.csv", 3, 2, 106),
        Fault("studentVle.csv", 3, "id_student", "106 is not enrolled in the presentation"),
    ),
    "a site of another presentation": (
        put("studentVle.csv", 3, 3, 9003),
        Fault("studentVle.csv", 3, "id_site", "9003 is no site of the presentation in vle.csv"),
    ),
    "a presentation unknown to the log": (
        put("studentVle.csv", 3, 1, "2015J"),
        Fault("studentVle.csv", 3, "code_presentation", "AAA 2015J is not in courses.csv"),
    ),
    "an unknown final result": (
        put("studentInfo.csv", 3, 11, "Passed"),
        Fault("studentInfo.csv", 3, "final_result", '"Passed" is none of Pass, Withdrawn, Fail, Distinction'),
    ),
    "an unknown band": (
        put("studentInfo.csv", 3, 6, "20-30"),
        Fault(
            "studentInfo.csv",
            3,
            "imd_band",
            '"20-30" is none of 0-10%, 10-20%, 20-30%, 30-40%, 40-50%, 50-60%, 60-70%, 70-80%, 80-90%, 90-100%, 10-20',
        ),
    ),
    "a score above a hundred": (
        put("studentAssessment.csv", 2, 4, 101),
        Fault("studentAssessment.csv", 2, "score", "101 is not from 0 to 100"),
    ),
    "a score that is no number": (
        put("studentAssessment.csv", 2, 4, "NaN"),
        Fault("studentAssessment.csv", 2, "score", '"NaN" is not a number with at most two decimals'),
    ),
    "a weight with three decimals": (
        put("assessments.csv", 2, 5, "7.125"),
        Fault("assessments.csv", 2, "weight", '"7.125" is not a number with at most two decimals'),
    ),
    "a presentation of no season": (
        put("courses.csv", 3, 1, "2014X"),
        Fault(
            "courses.csv",
            3,
            "code_presentation",
            '"2014X" is not a year and B (February) or J (October), such as 2013J',
        ),
    ),
    "a student of no enrolment": (
        put("studentAssessment.csv", 3, 1, 106),
        Fault("studentAssessment.csv", 3, "id_student", "106 is not enrolled in the assessment's presentation"),
    ),
    "an unknown assessment": (
        put("studentAssessment.csv", 3, 0, 99),
        Fault("studentAssessment.csv", 3, "id_assessment", "99 is not in assessments.csv"),
    ),
    "an enrolment without registration": (
        remove("studentRegistration.csv", 8),
        Fault("studentInfo.csv", 8, "id_student", "101 is not in studentRegistration.csv"),
    ),
    "the same enrolment twice": (
        add("studentRegistration.csv", "AAA", "2013J", 101, -3, ""),
        Fault(
            "studentRegistration.csv",
            9,
            "id_student",
            "the same code_module, code_presentation, id_student stands on a line before",
        ),
    ),
    "weeks that run backwards": (
        put("vle.csv", 2, 5, 0),
        Fault("vle.csv", 2, "week_to", "is before week_from"),
    ),
    "a value too many": (
        lambda mini: mini.rows["studentVle.csv"][1].append(7),
        Fault("studentVle.csv", 3, "", "has 7 values instead of 6"),
    ),
    "a log without its end": (
        remove("studentVle.csv", 8),
        Fault("studentVle.csv", 0, "date", "the clicks of CCC 2014J are missing: the file was cut off"),
    ),
}

WRONG_HEADERS: dict[str, tuple[Change, str]] = {
    "a column is missing": (
        rename("studentInfo.csv", ",imd_band", ""),
        "column imd_band is missing",
    ),
    "the columns are in another order": (
        rename("studentVle.csv", "id_student,id_site", "id_site,id_student"),
        "the columns are in another order",
    ),
    "a column is foreign": (rename("vle.csv", "week_to", "week_to,colour"), 'column "colour" does not belong here'),
}


async def refused(database: Database, actor: Actor, source: Path) -> SourceRefusedError:
    """The error of an import that must leave no trace."""
    before = await contents(database)
    with pytest.raises(SourceRefusedError) as caught:
        await import_oulad(database, actor=actor, source=source)
    assert await contents(database) == before
    return caught.value


def cut_short(source: Path, target: Path) -> Path:
    """A copy of a file without its last 100 bytes."""
    target.write_bytes(source.read_bytes()[:-100])
    return target


class TestRows:
    @pytest.mark.parametrize("case", WRONG_ROWS)
    async def test_the_line_and_column_are_named(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path, case: str
    ) -> None:
        change, fault = WRONG_ROWS[case]
        change(mini)
        error = await refused(worker_database, importer, mini.archive(tmp_path / "wrong.zip"))
        assert error.faults == (fault,)
        assert error.complete

    async def test_every_fault_is_reported_at_once(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        mini.rows["studentVle.csv"][0][5] = "x"
        mini.rows["studentVle.csv"][6][4] = "y"
        error = await refused(worker_database, importer, mini.archive(tmp_path / "wrong.zip"))
        assert [(fault.line, fault.column) for fault in error.faults] == [(2, "sum_click"), (8, "date")]
        assert error.report().splitlines()[0] == "file,line,column,message"
        assert error.report().splitlines()[2] == 'studentVle.csv,8,date,"""y"" is not a whole number"'
        assert json.loads(json.dumps(error.as_dict()))["faults"][0]["line"] == 2

    async def test_reading_stops_at_a_thousand_faults(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        mini.rows["studentVle.csv"] = [["AAA", "2013J", 101, 9001, "x", 1]] * 1500
        error = await refused(worker_database, importer, mini.archive(tmp_path / "wrong.zip"))
        assert (len(error.faults), error.complete) == (1000, False)

    async def test_lines_are_counted_over_pieces(
        self,
        worker_database: Database,
        importer: Actor,
        mini: MiniOulad,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(files, "CHUNK_BYTES", 100)
        mini.rows["studentVle.csv"][8][5] = -7
        error = await refused(worker_database, importer, mini.archive(tmp_path / "wrong.zip"))
        assert [(fault.line, fault.column) for fault in error.faults] == [(10, "sum_click")]


class TestHeaders:
    @pytest.mark.parametrize("case", WRONG_HEADERS)
    async def test_the_header_must_be_the_files_own(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path, case: str
    ) -> None:
        change, message = WRONG_HEADERS[case]
        change(mini)
        error = await refused(worker_database, importer, mini.archive(tmp_path / "wrong.zip"))
        assert [fault.line for fault in error.faults] == [1]
        assert message in error.faults[0].message


class TestFiles:
    async def test_a_line_cut_off_at_the_end(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        folder = mini.folder(tmp_path / "cut")
        file = folder / "studentVle.csv"
        file.write_text(file.read_text()[:-2])
        error = await refused(worker_database, importer, folder)
        assert error.faults == (
            Fault("studentVle.csv", 10, "", "the file ends in the middle of a line: it was cut off"),
        )

    async def test_an_archive_cut_off_at_the_end(
        self, worker_database: Database, importer: Actor, source: Path, tmp_path: Path
    ) -> None:
        cut = cut_short(source, tmp_path / "cut.zip")
        error = await refused(worker_database, importer, cut)
        assert error.faults[0].message == "is neither a folder nor a whole zip file"

    async def test_an_archive_with_damaged_content(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        with zipfile.ZipFile(tmp_path / "damaged.zip", "w", zipfile.ZIP_STORED) as archive:
            for name in mini.rows:
                archive.writestr(name, mini.text(name))
        content = (tmp_path / "damaged.zip").read_bytes()
        (tmp_path / "damaged.zip").write_bytes(content.replace(b"AAA,2013J,101,9001,20,9", b"AAA,2013J,101,9001,20,8"))
        error = await refused(worker_database, importer, tmp_path / "damaged.zip")
        assert "Bad CRC-32" in error.faults[0].message

    async def test_an_archive_of_photos(self, worker_database: Database, importer: Actor, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
            archive.writestr("holiday/beach.jpg", b"\xff\xd8\xff")
        error = await refused(worker_database, importer, tmp_path / "photos.zip")
        assert error.faults[0].message.startswith("has no courses.csv, assessments.csv")

    async def test_a_photo_with_the_name_of_a_file(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        folder = mini.folder(tmp_path / "photo")
        (folder / "vle.csv").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\n\x00\x01\n")
        error = await refused(worker_database, importer, folder)
        assert error.faults == (Fault("vle.csv", 1, "", "is not a CSV file in UTF-8"),)

    async def test_a_file_without_lines(
        self,
        worker_database: Database,
        importer: Actor,
        mini: MiniOulad,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(files, "LARGEST_LINE", 500)
        monkeypatch.setattr(files, "CHUNK_BYTES", 400)
        folder = mini.folder(tmp_path / "endless")
        (folder / "vle.csv").write_bytes(b"x" * 5000)
        error = await refused(worker_database, importer, folder)
        assert error.faults == (Fault("vle.csv", 1, "", "the line does not end: this is not a CSV file"),)

    async def test_an_empty_file(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        folder = mini.folder(tmp_path / "empty")
        (folder / "vle.csv").write_bytes(b"")
        error = await refused(worker_database, importer, folder)
        assert error.faults == (Fault("vle.csv", 0, "", "the file is empty"),)

    async def test_a_file_that_unpacks_to_too_much(
        self,
        worker_database: Database,
        importer: Actor,
        mini: MiniOulad,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(files, "LARGEST_OTHER_BYTES", 50)
        error = await refused(worker_database, importer, mini.archive(tmp_path / "bomb.zip"))
        assert "are not read" in error.faults[0].message

    async def test_a_file_that_is_there_twice(
        self, worker_database: Database, importer: Actor, mini: MiniOulad, source: Path
    ) -> None:
        with zipfile.ZipFile(source, "a") as archive:
            archive.writestr("copy/vle.csv", mini.text("vle.csv"))
        error = await refused(worker_database, importer, source)
        assert error.faults[0].message == "holds vle.csv more than once"

    async def test_a_path_where_nothing_is(self, worker_database: Database, importer: Actor, tmp_path: Path) -> None:
        error = await refused(worker_database, importer, tmp_path / "nothing.zip")
        assert error.faults == (Fault("nothing.zip", 0, "", "there is no such file or folder"),)
