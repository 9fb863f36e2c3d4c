"""The seven files arrive in the canonical tables, as the decisions say; a second import changes nothing."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select

from academe.academics.models import (
    Assessment,
    Enrollment,
    EnrollmentStatusChange,
    Offering,
    OfferingResource,
    Result,
    StudentProtectedAttributes,
    StudentRecord,
    Term,
    Unit,
)
from academe.identity.models import OrgUnit, Person
from academe.lrs.models import ActivityDay
from academe.operations.api import Place, Placement, import_oulad
from academe.operations.models import ImportRun, ImportStep
from academe.platform.actor import ANONYMOUS, Actor, ActorKind
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Database
from academe.platform.errors import PermissionDeniedError
from academe.platform.ids import new_id
from tests.operations.mini_oulad import CLICKS, DAYS_OF_ACTIVITY, MiniOulad
from tests.operations.state import contents, counts

pytestmark = pytest.mark.anyio

EXPECTED = {
    "org_unit": 3,
    "person": 6,
    "unit": 2,
    "term": 3,
    "offering": 3,
    "offering_resource": 4,
    "assessment": 5,
    "student_record": 6,
    "student_protected_attributes": 6,
    "enrollment": 7,
    "enrollment_status_change": 13,
    "result": 4,
    "activity_day": DAYS_OF_ACTIVITY,
}


async def rows(database: Database, actor: Actor, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    async with database.reading(actor) as session:
        return [tuple(row) for row in await session.execute(query)]


def of_student(query: Select[*tuple[Any, ...]], number: str, term: str = "2013J") -> Select[*tuple[Any, ...]]:
    return (
        query.join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        .join(Offering, Offering.id == Enrollment.offering_id)
        .join(Term, Term.id == Offering.term_id)
        .where(StudentRecord.number == number, Term.code == term)
    )


class TestWhoMayImport:
    @pytest.mark.parametrize("who", [ANONYMOUS, Actor(ActorKind.PERSON, "somebody", person_id=new_id())])
    async def test_no_person_may(self, worker_database: Database, source: Path, who: Actor) -> None:
        before = await contents(worker_database)
        with pytest.raises(PermissionDeniedError):
            await import_oulad(worker_database, actor=who, source=source)
        assert await contents(worker_database) == before

    async def test_academe_itself_may(self, own_database: Database, importer: Actor, source: Path) -> None:
        summary = await import_oulad(own_database, actor=importer, source=source)
        assert await counts(own_database) == EXPECTED
        assert summary.inserted == sum(EXPECTED.values()) - EXPECTED["org_unit"]
        assert (summary.updated, summary.clicks) == (0, CLICKS)
        assert summary.read["studentVle.csv"] == 9


class TestMapping:
    @pytest.fixture(autouse=True)
    async def _imported(self, own_database: Database, importer: Actor, source: Path) -> None:
        await import_oulad(own_database, actor=importer, source=source)

    async def test_modules_lie_at_their_faculty(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(Unit.code, Unit.title, OrgUnit.code)
            .join(OrgUnit, OrgUnit.id == Unit.org_unit_id)
            .order_by(Unit.code)
        )
        found = await rows(own_database, importer, query)
        assert found == [("AAA", "Module AAA", "SOC"), ("CCC", "Module CCC", "STEM")]

    async def test_presentations_are_offerings_in_real_dates(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(Term.code, Term.title, Term.starts_on, Offering.ends_on, Offering.status)
            .join(Offering, Offering.term_id == Term.id)
            .order_by(Term.code)
        )
        assert await rows(own_database, importer, query) == [
            ("2013J", "October 2013", date(2013, 10, 1), date(2013, 10, 21), "ended"),
            ("2014B", "February 2014", date(2014, 2, 1), date(2014, 2, 19), "ended"),
            ("2014J", "October 2014", date(2014, 10, 1), date(2014, 10, 16), "ended"),
        ]

    async def test_assessments_are_numbered_as_they_are_due(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(Assessment.title, Assessment.kind, Assessment.weight, Assessment.due_on, Assessment.sourced_id)
            .join(Offering, Offering.id == Assessment.offering_id)
            .where(Offering.starts_on == date(2013, 10, 1))
            .order_by(Assessment.title)
        )
        assert await rows(own_database, importer, query) == [
            ("CMA 1 (12)", "quiz", Decimal("12.50"), date(2013, 10, 9), "12"),
            ("Exam 1 (13)", "exam", Decimal("100.00"), None, "13"),
            ("TMA 1 (11)", "assignment", Decimal("50.00"), date(2013, 10, 6), "11"),
            ("TMA 2 (10)", "assignment", Decimal("37.50"), date(2013, 10, 13), "10"),
        ]

    async def test_students_appear_by_number(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(Person.display_name, Person.sourced_id, StudentRecord.number, StudentRecord.cohort)
            .join(StudentRecord, StudentRecord.person_id == Person.id)
            .where(StudentRecord.number == "101")
        )
        assert await rows(own_database, importer, query) == [("Student 101", "oulad:101", "101", "2013J")]

    async def test_protected_attributes_are_the_newest_known(self, own_database: Database, importer: Actor) -> None:
        attributes = StudentProtectedAttributes
        query = (
            select(attributes.socioeconomic_status, attributes.age_band, attributes.region, attributes.gender)
            .join(StudentRecord, StudentRecord.id == attributes.student_id)
            .where(StudentRecord.number == "101")
        )
        assert await rows(own_database, importer, query) == [("10-20%", "35-55", "Ireland", "F")]

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("101", ("completed", date(2013, 9, 1), None, "pass", date(2013, 10, 21))),
            ("102", ("withdrawn", date(2013, 9, 11), date(2013, 10, 6), "withdrawn", date(2013, 10, 6))),
            ("103", ("withdrawn", date(2013, 9, 11), date(2013, 10, 21), "withdrawn", date(2013, 10, 21))),
            ("104", ("withdrawn", date(2013, 9, 21), date(2013, 10, 1), "fail", date(2013, 10, 21))),
            ("105", ("completed", None, None, "fail", date(2013, 10, 21))),
        ],
    )
    async def test_enrolments_say_what_is_known_when(
        self, own_database: Database, importer: Actor, number: str, expected: tuple[Any, ...]
    ) -> None:
        query = select(
            Enrollment.status,
            Enrollment.enrolled_on,
            Enrollment.withdrawn_on,
            Enrollment.outcome,
            Enrollment.outcome_on,
        )
        assert await rows(own_database, importer, of_student(query, number)) == [expected]

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("102", [("enrolled", date(2013, 9, 11)), ("withdrawn", date(2013, 10, 6))]),
            ("105", [("completed", date(2013, 10, 21))]),
        ],
    )
    async def test_history_ends_with_the_present_status(
        self, own_database: Database, importer: Actor, number: str, expected: list[tuple[str, date]]
    ) -> None:
        change = EnrollmentStatusChange
        query = select(change.status, change.effective_on).join(Enrollment, Enrollment.id == change.enrollment_id)
        query = of_student(query, number).order_by(change.effective_on, change.id)
        assert await rows(own_database, importer, query) == expected

    async def test_a_withdrawal_without_a_day_says_so(self, own_database: Database, importer: Actor) -> None:
        change = EnrollmentStatusChange
        query = select(StudentRecord.number).select_from(change)
        query = query.join(Enrollment, Enrollment.id == change.enrollment_id).where(change.reason != "")
        query = query.join(StudentRecord, StudentRecord.id == Enrollment.student_id)
        assert await rows(own_database, importer, query) == [("103",)]

    async def test_results_are_known_from_their_marking(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(StudentRecord.number, Result.submitted_on, Result.marked_on, Result.score, Result.carried_over)
            .join(StudentRecord, StudentRecord.id == Result.student_id)
            .join(Assessment, Assessment.id == Result.assessment_id)
            .order_by(Assessment.title, StudentRecord.number)
        )
        assert await rows(own_database, importer, query) == [
            ("105", None, None, Decimal("60.00"), True),
            ("101", date(2013, 10, 5), date(2013, 10, 12), Decimal("78.00"), False),
            ("102", date(2013, 10, 6), None, None, False),
            ("101", date(2014, 10, 4), date(2014, 10, 11), Decimal("100.00"), False),
        ]

    async def test_clicks_of_a_day_are_summed(self, own_database: Database, importer: Actor) -> None:
        query = (
            select(
                StudentRecord.number, ActivityDay.day, OfferingResource.sourced_id, ActivityDay.kind, ActivityDay.count
            )
            .join(StudentRecord, StudentRecord.person_id == ActivityDay.actor_id)
            .join(OfferingResource, OfferingResource.id == ActivityDay.activity_id)
            .where(OfferingResource.offering_id == ActivityDay.context_id)
            .order_by(ActivityDay.day, OfferingResource.sourced_id)
        )
        assert await rows(own_database, importer, query) == [
            ("101", date(2013, 9, 28), "9001", "resource", 14),
            ("101", date(2013, 9, 28), "9002", "oucontent", 2),
            ("102", date(2013, 10, 3), "9001", "resource", 7),
            ("101", date(2013, 10, 21), "9001", "resource", 9),
            ("106", date(2014, 2, 19), "9004", "forumng", 3),
            ("101", date(2014, 10, 16), "9003", "homepage", 1),
        ]

    async def test_every_step_is_recorded_and_audited(self, own_database: Database, importer: Actor) -> None:
        names = [name for (name,) in await rows(own_database, importer, select(ImportStep.name))]
        assert sorted(names) == [
            "activity 2013-09",
            "activity 2013-10",
            "activity 2014-02",
            "activity 2014-10",
            "catalogue",
            "enrolments",
            "people",
            "protected attributes",
            "results",
            "students",
        ]
        actions = [action for (action,) in await rows(own_database, importer, select(AuditEntry.action))]
        assert {"import_run.started", "people.loaded", "results.loaded", "import_run.finished"} <= set(actions)
        assert actions.count("activity_days.loaded") == 4


class TestForms:
    async def test_a_folder_of_quoted_files_is_the_same(
        self, own_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        folder = mini.folder(tmp_path / "quoted", quoted=True)
        summary = await import_oulad(own_database, actor=importer, source=folder)
        assert (await counts(own_database), summary.clicks) == (EXPECTED, CLICKS)

    async def test_a_zip_with_the_files_in_a_folder_is_the_same(
        self, own_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        archive = mini.archive(tmp_path / "nested.zip", inside="anonymised/", quoted=True)
        await import_oulad(own_database, actor=importer, source=archive)
        assert await counts(own_database) == EXPECTED

    async def test_lines_may_end_as_on_windows(
        self, own_database: Database, importer: Actor, mini: MiniOulad, tmp_path: Path
    ) -> None:
        folder = mini.folder(tmp_path / "windows")
        for file in folder.iterdir():
            file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
        await import_oulad(own_database, actor=importer, source=folder)
        assert await counts(own_database) == EXPECTED


class TestAgain:
    async def test_a_second_import_changes_nothing(self, own_database: Database, importer: Actor, source: Path) -> None:
        await import_oulad(own_database, actor=importer, source=source)
        before = await contents(own_database)
        summary = await import_oulad(own_database, actor=importer, source=source)
        assert (summary.inserted, summary.updated) == (0, 0)
        assert await contents(own_database) == before

    async def test_only_what_the_source_corrects_is_changed(
        self, own_database: Database, importer: Actor, mini: MiniOulad, source: Path, tmp_path: Path
    ) -> None:
        await import_oulad(own_database, actor=importer, source=source)
        before = await contents(own_database)
        mini.rows["studentAssessment.csv"][0][-1] = 80
        mini.rows["studentVle.csv"][4][-1] = 8
        mini.rows["studentVle.csv"].append(["AAA", "2013J", 105, 9002, 3, 1])
        summary = await import_oulad(own_database, actor=importer, source=mini.archive(tmp_path / "new.zip"))
        assert (summary.inserted, summary.updated) == (1, 2)
        after = await contents(own_database)
        assert {table for table in before if before[table] != after[table]} == {"result", "activity_day"}

    async def test_the_same_students_may_belong_to_two_institutions(
        self, own_database: Database, importer: Actor, source: Path
    ) -> None:
        await import_oulad(own_database, actor=importer, source=source)
        home = await contents(own_database)
        away = Placement("AWAY", "Another university", {"AAA": Place("ARTS", "Arts")})
        await import_oulad(own_database, actor=importer, source=source, placement=away)
        both = await counts(own_database)
        # There, CCC lies at the institution itself, so there is a node less.
        assert both == {table: 2 * rows - (table == "org_unit") for table, rows in EXPECTED.items()}
        summary = await import_oulad(own_database, actor=importer, source=source)
        assert (summary.inserted, summary.updated, home["person"][0]) == (0, 0, EXPECTED["person"])


class TestBrokenOff:
    async def test_whole_steps_stay_and_the_next_run_goes_on(
        self, own_database: Database, importer: Actor, source: Path
    ) -> None:
        with pytest.raises(InterruptedError):
            await import_oulad(own_database, actor=importer, source=source, progress=fails_after_enrolments)
        broken_off = await counts(own_database)
        assert (broken_off["enrollment"], broken_off["result"]) == (7, 0)
        summary = await import_oulad(own_database, actor=importer, source=source)
        resumed = {step.name for step in summary.steps if step.resumed}
        # Months of activity are written beside the enrolments; how many were whole is chance.
        assert {"catalogue", "people", "students", "enrolments"} <= resumed
        assert "results" not in resumed
        days = sum(step.rows for step in summary.steps if step.resumed and step.name.startswith("activity"))
        assert days == broken_off["activity_day"]
        assert await counts(own_database) == EXPECTED
        assert await rows(own_database, importer, select(ImportRun.finished_at.is_not(None))) == [(True,)]

    async def test_other_files_do_not_go_on_with_it(
        self, own_database: Database, importer: Actor, mini: MiniOulad, source: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(InterruptedError):
            await import_oulad(own_database, actor=importer, source=source, progress=fails_after_enrolments)
        mini.rows["studentInfo.csv"][0][9] = 90
        summary = await import_oulad(own_database, actor=importer, source=mini.archive(tmp_path / "other.zip"))
        assert not [step for step in summary.steps if step.resumed]
        assert await counts(own_database) == EXPECTED


def fails_after_enrolments(phase: str, done: int, total: int) -> None:
    if phase.startswith("Writing") and done >= 12 + 14:
        raise InterruptedError("as if the power went")
