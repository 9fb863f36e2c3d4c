"""Rows of an import are added or corrected as a whole; what the institution chose for itself stays."""

from datetime import date
from uuid import UUID

import polars as pl
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from academe.academics.api import (
    load_offerings,
    load_protected_attributes,
    load_students,
    load_terms,
    load_units,
)
from academe.academics.models import StudentProtectedAttributes, Term, Unit
from academe.identity.api import ensure_institution, load_people
from academe.platform.actor import ANONYMOUS, Actor
from academe.platform.database.session import Session
from academe.platform.database.staging import Loaded
from academe.platform.errors import AuthenticationRequiredError, PermissionDeniedError

pytestmark = pytest.mark.anyio

FIRST, LAST = date(2013, 10, 1), date(2014, 6, 26)


@pytest.fixture
async def institution(session: Session, actor: Actor) -> UUID:
    """A new institution."""
    return await ensure_institution(session, actor=actor, code="INTAKE", name="A university")


def unit(institution: UUID, title: str = "Module AAA") -> pl.DataFrame:
    return pl.DataFrame({"code": ["AAA"], "title": [title], "org_unit_id": [str(institution)]})


def term(ends_on: date = LAST) -> pl.DataFrame:
    return pl.DataFrame({"code": ["2013J"], "title": ["October 2013"], "starts_on": [FIRST], "ends_on": [ends_on]})


def attributes(region: str | None, gender: str | None) -> pl.DataFrame:
    columns = ("socioeconomic_status", "special_education_status", "age_band")
    words = {"number": "7", "region": region, "gender": gender} | dict.fromkeys(columns)
    return pl.DataFrame([words], schema=dict.fromkeys(words, pl.String))


class TestLoadPeople:
    async def test_nobody_known_may_not(self, session: Session, institution: UUID) -> None:
        rows = pl.DataFrame({"sourced_id": ["x:7"], "display_name": ["Student 7"]})
        with pytest.raises(AuthenticationRequiredError):
            await load_people(session, actor=ANONYMOUS, institution_id=institution, rows=rows)


class TestLoadUnits:
    async def test_nobody_known_may_not(self, session: Session, institution: UUID) -> None:
        with pytest.raises(PermissionDeniedError):
            await load_units(session, actor=ANONYMOUS, institution_id=institution, rows=unit(institution))

    async def test_a_title_that_the_institution_chose_stays(
        self, session: Session, actor: Actor, institution: UUID
    ) -> None:
        await load_units(session, actor=actor, institution_id=institution, rows=unit(institution, "Chosen"))
        again = await load_units(session, actor=actor, institution_id=institution, rows=unit(institution))
        assert again == Loaded(1, 0)
        assert (await session.scalars(select(Unit.title).where(Unit.institution_id == institution))).all() == ["Chosen"]


class TestLoadTerms:
    @pytest.mark.parametrize(("ends_on", "changed"), [(date(2014, 7, 1), 1), (date(2014, 6, 1), 0)])
    async def test_a_term_grows_and_never_shrinks(
        self, session: Session, actor: Actor, institution: UUID, ends_on: date, changed: int
    ) -> None:
        await load_terms(session, actor=actor, institution_id=institution, rows=term())
        again = await load_terms(session, actor=actor, institution_id=institution, rows=term(ends_on))
        assert again == Loaded(1, 0, changed)
        found = await session.scalar(select(Term.ends_on).where(Term.institution_id == institution))
        assert found == max(LAST, ends_on)


class TestLoadOfferings:
    async def test_a_unit_that_is_not_there_ends_the_load(
        self, session: Session, actor: Actor, institution: UUID
    ) -> None:
        await load_terms(session, actor=actor, institution_id=institution, rows=term())
        rows = pl.DataFrame(
            {"unit_code": ["ZZZ"], "term_code": ["2013J"], "starts_on": [FIRST], "ends_on": [LAST], "status": ["ended"]}
        )
        with pytest.raises(IntegrityError, match="unit_id"):
            await load_offerings(session, actor=actor, institution_id=institution, rows=rows)


class TestLoadProtectedAttributes:
    async def test_an_empty_value_takes_nothing_back(self, session: Session, actor: Actor, institution: UUID) -> None:
        person = pl.DataFrame({"sourced_id": ["x:7"], "display_name": ["Student 7"], "number": ["7"], "cohort": ["a"]})
        await load_people(session, actor=actor, institution_id=institution, rows=person)
        await load_students(session, actor=actor, institution_id=institution, rows=person)
        for rows, expected in (
            (attributes("Wales", None), Loaded(1, 1)),
            (attributes(None, "F"), Loaded(1, 0, 1)),
            (attributes(None, None), Loaded(1, 0)),
        ):
            loaded = await load_protected_attributes(session, actor=actor, institution_id=institution, rows=rows)
            assert loaded == expected
        kept = await session.execute(select(StudentProtectedAttributes.region, StudentProtectedAttributes.gender))
        assert kept.all() == [("Wales", "F")]
