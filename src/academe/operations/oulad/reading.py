"""The six small files in memory, checked one by one and against each other."""

from dataclasses import dataclass

import polars as pl

from academe.operations.oulad.checking import Faults, check_key, read_rows
from academe.operations.oulad.files import Digest, Source
from academe.operations.oulad.layout import (
    ASSESSMENTS,
    COURSES,
    SMALL_FILES,
    STUDENT_ASSESSMENT,
    STUDENT_INFO,
    STUDENT_REGISTRATION,
    TAUGHT,
    VLE,
    File,
)

ENROLMENT = [*TAUGHT, "id_student"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of the six small files, with the columns of `layout` and their `line`."""

    courses: pl.DataFrame
    assessments: pl.DataFrame
    vle: pl.DataFrame
    student_info: pl.DataFrame
    student_registration: pl.DataFrame
    student_assessment: pl.DataFrame


def read_tables(source: Source, faults: Faults, digest: Digest) -> Tables:
    """Read and check the six files; raises `SourceRefusedError` at the first file that cannot be read at all.

    When `faults` holds something afterwards, rows may be missing from the tables.
    """
    frames = {file.name: _read(source, file, faults, digest) for file in SMALL_FILES}
    faults.refuse()
    tables = Tables(
        courses=frames[COURSES.name],
        assessments=frames[ASSESSMENTS.name],
        vle=frames[VLE.name],
        student_info=frames[STUDENT_INFO.name],
        student_registration=frames[STUDENT_REGISTRATION.name],
        student_assessment=frames[STUDENT_ASSESSMENT.name],
    )
    for file in SMALL_FILES:
        check_key(file, frames[file.name], faults)
    _check_references(tables, faults)
    return tables


def _read(source: Source, file: File, faults: Faults, digest: Digest) -> pl.DataFrame:
    empty = pl.DataFrame(schema={"line": pl.UInt32(), **file.schema})
    return pl.concat([empty, *read_rows(source, file, faults, digest)])


def _check_references(tables: Tables, faults: Faults) -> None:
    """Name the lines that speak of something no other file knows, and enrolments that one of the two files lacks."""
    taught, enrolled = list(TAUGHT), ENROLMENT
    known = tables.courses
    for file, frame in (
        (ASSESSMENTS, tables.assessments),
        (VLE, tables.vle),
        (STUDENT_INFO, tables.student_info),
        (STUDENT_REGISTRATION, tables.student_registration),
    ):
        _refer(file, frame, known, taught, "code_presentation", "is not in courses.csv", faults)
    info, registration = tables.student_info, tables.student_registration
    _refer(STUDENT_INFO, info, registration, enrolled, "id_student", "is not in studentRegistration.csv", faults)
    _refer(STUDENT_REGISTRATION, registration, info, enrolled, "id_student", "is not in studentInfo.csv", faults)
    results = tables.student_assessment
    assessed = tables.assessments.select("id_assessment", *TAUGHT)
    _refer(
        STUDENT_ASSESSMENT, results, assessed, ["id_assessment"], "id_assessment", "is not in assessments.csv", faults
    )
    known_results = results.join(assessed, on="id_assessment", maintain_order="left")
    message = "is not enrolled in the assessment's presentation"
    _refer(STUDENT_ASSESSMENT, known_results, info, enrolled, "id_student", message, faults)
    backwards = tables.vle.filter(pl.col("week_to") < pl.col("week_from"))
    faults.add_lines(VLE, backwards["line"], "week_to", "is before week_from")
    if tables.courses.is_empty():
        faults.add(COURSES, 0, "", "has no rows")


def _refer(
    file: File, frame: pl.DataFrame, known: pl.DataFrame, by: list[str], column: str, message: str, faults: Faults
) -> None:
    unknown = frame.join(known, on=by, how="anti", maintain_order="left")
    for line, value in unknown.select("line", column).iter_rows():
        faults.add(file, line, column, f"{value} {message}")
