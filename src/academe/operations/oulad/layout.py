"""What the seven files must look like: their columns in order, and what each value may be.

From the data set's description (Kuzilek et al. 2017, table 2 and section "Data Records") and its published files.
"""

import re
from dataclasses import dataclass
from typing import Final

import polars as pl

MISSING: Final = ("", "?")
"""How copies of the data set write a value that is not known."""

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DECIMAL = re.compile(r"-?[0-9]{1,7}(\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`."""

    name: str
    low: int
    high: int
    required: bool = True

    @property
    def type(self) -> pl.DataType:
        return pl.Int32()

    def fault(self, value: str) -> str | None:
        """What is wrong with a value that is not missing."""
        if not _WHOLE.fullmatch(value):
            return f"{quoted(value)} is not a whole number"
        return None if self.low <= int(value) <= self.high else f"{value} is not from {self.low} to {self.high}"

    def wrong(self) -> pl.Expr:
        """True for rows whose value breaks the rule."""
        return ~pl.col(self.name).is_between(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number with at most two decimals, from `low` to `high`."""

    name: str
    low: int
    high: int
    required: bool = True

    @property
    def type(self) -> pl.DataType:
        return pl.Float64()

    def fault(self, value: str) -> str | None:
        """What is wrong with a value that is not missing."""
        if not _DECIMAL.fullmatch(value):
            return f"{quoted(value)} is not a number with at most two decimals"
        return None if self.low <= float(value) <= self.high else f"{value} is not from {self.low} to {self.high}"

    def wrong(self) -> pl.Expr:
        """True for rows whose value breaks the rule; a NaN does, too."""
        value = pl.col(self.name)
        return ~(value.is_between(self.low, self.high) & (value.round(2) == value))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    name: str
    words: tuple[str, ...]
    required: bool = True

    @property
    def type(self) -> pl.DataType:
        return pl.String()

    def fault(self, value: str) -> str | None:
        """What is wrong with a value that is not missing."""
        return None if value in self.words else f"{quoted(value)} is none of {', '.join(self.words)}"

    def wrong(self) -> pl.Expr:
        """True for rows whose value breaks the rule."""
        return ~pl.col(self.name).is_in(self.words)


@dataclass(frozen=True, slots=True)
class Words:
    """Text that matches a pattern as a whole, described in `meaning`. The pattern means the same to Python and Rust."""

    name: str
    pattern: str
    meaning: str
    required: bool = True

    @property
    def type(self) -> pl.DataType:
        return pl.String()

    def fault(self, value: str) -> str | None:
        """What is wrong with a value that is not missing."""
        return None if re.fullmatch(self.pattern, value) else f"{quoted(value)} is not {self.meaning}"

    def wrong(self) -> pl.Expr:
        """True for rows whose value breaks the rule."""
        return ~pl.col(self.name).str.contains(f"^(?:{self.pattern})$")


@dataclass(frozen=True, slots=True)
class Reference:
    """Part of a key of another file; what it refers to is looked up there, so its form is not checked again."""

    name: str
    required: bool = True

    @property
    def type(self) -> pl.DataType:
        return pl.String()

    def fault(self, value: str) -> str | None:  # noqa: ARG002 - as the other kinds of columns
        """Nothing is wrong with a value by itself."""
        return None

    def wrong(self) -> pl.Expr:
        """False for every row."""
        return pl.lit(value=False)


Column = Whole | Decimal | Choice | Words | Reference


@dataclass(frozen=True, slots=True)
class File:
    """One of the seven files; `key` are the columns whose values together appear on one line only."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return {column.name: column.type for column in self.columns}


def quoted(value: str) -> str:
    """A value for a message: short, and with nothing that would break the line."""
    return f'"{value[:40]}…"' if len(value) > 40 else f'"{value}"'


MODULE = Words("code_module", "[A-Z]{3}", "a module's three capital letters")
PRESENTATION = Words("code_presentation", "20[0-9]{2}[BJ]", "a year and B (February) or J (October), such as 2013J")
STUDENT = Whole("id_student", 1, 999_999_999)
TAUGHT = ("code_module", "code_presentation")
EDUCATION = (
    "No Formal quals",
    "Lower Than A Level",
    "A Level or Equivalent",
    "HE Qualification",
    "Post Graduate Qualification",
)
BANDS = tuple(f"{band}-{band + 10}%" for band in range(0, 100, 10))

# A day is an offset from the presentation's first day; registrations begin up to a year before it.
EARLIEST, LATEST = -500, 1000

COURSES: Final = File("courses.csv", (MODULE, PRESENTATION, Whole("module_presentation_length", 1, 400)), TAUGHT)

ASSESSMENTS: Final = File(
    "assessments.csv",
    (
        MODULE,
        PRESENTATION,
        Whole("id_assessment", 1, 999_999_999),
        Choice("assessment_type", ("TMA", "CMA", "Exam")),
        Whole("date", EARLIEST, LATEST, required=False),
        Decimal("weight", 0, 100),
    ),
    ("id_assessment",),
)

VLE: Final = File(
    "vle.csv",
    (
        Whole("id_site", 1, 999_999_999),
        MODULE,
        PRESENTATION,
        Words("activity_type", "[A-Za-z0-9_]{1,50}", "a kind of activity (letters and digits, at most 50)"),
        Whole("week_from", 0, 60, required=False),
        Whole("week_to", 0, 60, required=False),
    ),
    ("id_site",),
)

STUDENT_INFO: Final = File(
    "studentInfo.csv",
    (
        MODULE,
        PRESENTATION,
        STUDENT,
        Choice("gender", ("F", "M")),
        Words("region", "[A-Za-z ]{1,60}", "a region's name"),
        Choice("highest_education", EDUCATION),
        # The published files leave the percent sign out of one of the bands.
        Choice("imd_band", (*BANDS, "10-20"), required=False),
        Choice("age_band", ("0-35", "35-55", "55<=")),
        Whole("num_of_prev_attempts", 0, 99),
        Whole("studied_credits", 0, 9999),
        Choice("disability", ("N", "Y")),
        Choice("final_result", ("Pass", "Withdrawn", "Fail", "Distinction")),
    ),
    (*TAUGHT, "id_student"),
)

STUDENT_REGISTRATION: Final = File(
    "studentRegistration.csv",
    (
        MODULE,
        PRESENTATION,
        STUDENT,
        Whole("date_registration", EARLIEST, LATEST, required=False),
        Whole("date_unregistration", EARLIEST, LATEST, required=False),
    ),
    (*TAUGHT, "id_student"),
)

STUDENT_ASSESSMENT: Final = File(
    "studentAssessment.csv",
    (
        Whole("id_assessment", 1, 999_999_999),
        STUDENT,
        Whole("date_submitted", EARLIEST, LATEST),
        Whole("is_banked", 0, 1),
        Decimal("score", 0, 100, required=False),
    ),
    ("id_assessment", "id_student"),
)

STUDENT_VLE: Final = File(
    "studentVle.csv",
    (
        # Ten million rows: matching the patterns would take as long as a tenth of reading them.
        Reference("code_module"),
        Reference("code_presentation"),
        STUDENT,
        Whole("id_site", 1, 999_999_999),
        Whole("date", EARLIEST, LATEST),
        Whole("sum_click", 1, 1_000_000),
    ),
    (),
)

SMALL_FILES: Final = (COURSES, ASSESSMENTS, VLE, STUDENT_INFO, STUDENT_REGISTRATION, STUDENT_ASSESSMENT)
FILES: Final = (*SMALL_FILES, STUDENT_VLE)
