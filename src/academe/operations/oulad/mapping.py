"""The seven files in the words of Academe: days become dates, codes become the canonical vocabularies.

Every decision that the files leave open is taken here and explained in `docs/decisions/bulk-import.md`. The frames have
the columns that the verbs of `academics.intake` document.
"""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import polars as pl

from academe.academics.types import AssessmentKind, EnrollmentStatus, OfferingStatus, Outcome
from academe.operations.oulad.layout import TAUGHT
from academe.operations.oulad.reading import ENROLMENT, Tables

MARKING_DAYS: Final = 7
"""The files say when work was handed in, not when its mark was known: assumed a week later."""

UNKNOWN_DAY: Final = "The source does not say when; entered on the last day of the offering."

_FIRST_MONTH: Final = {"B": 2, "J": 10}
_SEASON: Final = {"B": "February", "J": "October"}
_KIND: Final = {
    "TMA": AssessmentKind.ASSIGNMENT.value,
    "CMA": AssessmentKind.QUIZ.value,
    "Exam": AssessmentKind.EXAM.value,
}
_EDUCATION: Final = {  # to ISCED 2011: the lowest level that the words allow, but that who studies can read
    "No Formal quals": 1,
    "Lower Than A Level": 2,
    "A Level or Equivalent": 3,
    "HE Qualification": 5,
    "Post Graduate Qualification": 7,
}
_OUTCOME: Final = {
    "Pass": Outcome.PASS.value,
    "Fail": Outcome.FAIL.value,
    "Distinction": Outcome.DISTINCTION.value,
    "Withdrawn": Outcome.WITHDRAWN.value,
}

_CODES: Final = {"unit_code": pl.col("code_module"), "term_code": pl.col("code_presentation")}
_NUMBER: Final = pl.col("id_student").cast(pl.String)
_PERSON: Final = pl.format("oulad:{}", "id_student")
_NO_DAY: Final = pl.lit(None, dtype=pl.Date)


def with_dates(courses: pl.DataFrame) -> pl.DataFrame:
    """The courses with `starts_on` and `ends_on`: presentations begin on the first day of February or October."""
    year = pl.col("code_presentation").str.head(4).cast(pl.Int32)
    month = pl.col("code_presentation").str.tail(1).replace_strict(_FIRST_MONTH, return_dtype=pl.Int8)
    courses = courses.with_columns(starts_on=pl.date(year, month, 1))
    return courses.with_columns(ends_on=_day("module_presentation_length"))


def _day(offset: str) -> pl.Expr:
    return pl.col("starts_on") + pl.duration(days=pl.col(offset))


def units(courses: pl.DataFrame, places: Mapping[str, UUID]) -> pl.DataFrame:
    """A unit for each module; `places` gives the node of the organisation tree of every module."""
    codes = courses["code_module"].unique(maintain_order=True).to_list()
    return pl.DataFrame(
        {
            "code": codes,
            "title": [f"Module {code}" for code in codes],
            "org_unit_id": [str(places[code]) for code in codes],
        }
    )


def terms(courses: pl.DataFrame) -> pl.DataFrame:
    """A term for each presentation of any module, as long as the longest of them."""
    season = pl.col("code_presentation").str.tail(1).replace_strict(_SEASON)
    return (
        courses.group_by("code_presentation", maintain_order=True)
        .agg(pl.col("starts_on").min(), pl.col("ends_on").max())
        .select(
            "starts_on",
            "ends_on",
            code="code_presentation",
            title=pl.format("{} {}", season, pl.col("code_presentation").str.head(4)),
        )
    )


def offerings(courses: pl.DataFrame) -> pl.DataFrame:
    """An offering for each presentation of a module; all are over."""
    return courses.select(**_CODES, starts_on="starts_on", ends_on="ends_on", status=pl.lit(OfferingStatus.ENDED.value))


def resources(tables: Tables) -> pl.DataFrame:
    """A resource for each site, in the order of their numbers."""
    return tables.vle.sort("id_site").select(
        **_CODES,
        sourced_id=pl.col("id_site").cast(pl.String),
        kind=pl.col("activity_type").str.to_lowercase(),
        week_from="week_from",
        week_to="week_to",
    )


def assessments(tables: Tables, courses: pl.DataFrame) -> pl.DataFrame:
    """The assessments with `title`: the kind, its number in the order they are due, and the number of the source.

    Beside the columns of the intake stands `id_assessment`.
    """
    ordered = tables.assessments.join(courses.select(*TAUGHT, "starts_on"), on=list(TAUGHT)).sort(
        *TAUGHT, "assessment_type", pl.col("date").fill_null(pl.Int32.max()), "id_assessment"
    )
    number = pl.int_range(1, pl.len() + 1).over(*TAUGHT, "assessment_type")
    return ordered.select(
        **_CODES,
        id_assessment="id_assessment",
        sourced_id=pl.col("id_assessment").cast(pl.String),
        title=pl.format("{} {} ({})", "assessment_type", number, "id_assessment"),
        kind=pl.col("assessment_type").replace_strict(_KIND),
        weight="weight",
        due_on=_day("date"),
    )


def _enrolled(tables: Tables, courses: pl.DataFrame) -> pl.DataFrame:
    """Every enrolment with its dates, in the order of presentations, modules and students."""
    dates = courses.select(*TAUGHT, "starts_on", "ends_on")
    return (
        tables.student_info.join(tables.student_registration.drop("line"), on=ENROLMENT)
        .join(dates, on=list(TAUGHT))
        .sort("starts_on", "code_module", "id_student")
    )


def students(tables: Tables, courses: pl.DataFrame) -> pl.DataFrame:
    """A row for each student: person (`sourced_id`, `display_name`), record, and the newest known attributes."""
    band = pl.col("imd_band").str.strip_chars_end("%") + "%"
    return (
        _enrolled(tables, courses)
        .group_by("id_student", maintain_order=True)
        .agg(pl.col("code_presentation").first().alias("cohort"), pl.exclude("code_presentation").drop_nulls().last())
        .sort("id_student")
        .select(
            "gender",
            "age_band",
            "region",
            "cohort",
            sourced_id=_PERSON,
            display_name=pl.format("Student {}", "id_student"),
            number=_NUMBER,
            socioeconomic_status=band,
            special_education_status="disability",
        )
    )


def enrollments(tables: Tables, courses: pl.DataFrame) -> pl.DataFrame:
    """The enrolments. Whoever withdrew or was unregistered is withdrawn, all others have completed; `day_unknown` marks
    those whose withdrawal has no day in the source.
    """
    failed_to_stay = pl.col("date_unregistration").is_not_null() | (pl.col("final_result") == "Withdrawn")
    left_on = pl.coalesce(_day("date_unregistration"), "ends_on")
    ended_on = pl.when(pl.col("final_result") == "Withdrawn").then(left_on).otherwise("ends_on")
    status = pl.when(failed_to_stay).then(pl.lit(EnrollmentStatus.WITHDRAWN.value))
    return _enrolled(tables, courses).select(
        **_CODES,
        number=_NUMBER,
        status=status.otherwise(pl.lit(EnrollmentStatus.COMPLETED.value)),
        enrolled_on=_day("date_registration"),
        withdrawn_on=pl.when(failed_to_stay).then(left_on),
        previous_attempts="num_of_prev_attempts",
        studied_credits="studied_credits",
        prior_education_level=pl.col("highest_education").replace_strict(_EDUCATION, return_dtype=pl.Int16),
        outcome=pl.col("final_result").replace_strict(_OUTCOME),
        outcome_on=ended_on,
        ends_on="ends_on",
        day_unknown=failed_to_stay & pl.col("date_unregistration").is_null(),
    )


def status_changes(enrolled: pl.DataFrame) -> pl.DataFrame:
    """The history of enrolments: enrolled, where the day is known, then withdrawn or completed."""
    keys = ("unit_code", "term_code", "number")
    first = enrolled.filter(pl.col("enrolled_on").is_not_null()).select(
        *keys,
        status=pl.lit(EnrollmentStatus.ENROLLED.value),
        effective_on="enrolled_on",
        reason=pl.lit(""),
    )
    last = enrolled.select(
        *keys,
        "status",
        effective_on=pl.coalesce("withdrawn_on", "ends_on"),
        reason=pl.when("day_unknown").then(pl.lit(UNKNOWN_DAY)).otherwise(pl.lit("")),
    )
    return pl.concat([first, last])


def results(tables: Tables, courses: pl.DataFrame) -> pl.DataFrame:
    """The results. A result of an earlier attempt has no dates here, a blank score no day of marking."""
    known = assessments(tables, courses).select("id_assessment", "unit_code", "term_code", "title")
    starts = courses.select(**_CODES, starts_on="starts_on")
    submitted_on = _day("date_submitted")
    carried_over = pl.col("is_banked") == 1
    return (
        tables.student_assessment.join(known, on="id_assessment", maintain_order="left")
        .join(starts, on=["unit_code", "term_code"], maintain_order="left")
        .select(
            "unit_code",
            "term_code",
            "title",
            "score",
            carried_over=carried_over,
            number=_NUMBER,
            submitted_on=pl.when(carried_over).then(_NO_DAY).otherwise(submitted_on),
            marked_on=pl.when(carried_over | pl.col("score").is_null())
            .then(_NO_DAY)
            .otherwise(submitted_on + pl.duration(days=MARKING_DAYS)),
        )
    )
