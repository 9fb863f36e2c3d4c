"""Scoring a small class with a real model: what is written, once and for good, and who may read it."""

import math
from typing import Any, Final

import pytest
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from academe.academics.models import Offering, StudentRecord
from academe.identity.models import Person
from academe.identity.privacy.restriction.models import ProcessingRestriction
from academe.insight import training
from academe.insight.errors import ModelExistsError, NoActiveModelError
from academe.insight.explanation import BASELINE
from academe.insight.features.catalog import FEATURE_NAMES, THEME_LABELS, Theme
from academe.insight.models import RiskModel, RiskScore
from academe.insight.prediction import ModelMismatchError
from academe.insight.registry import TrainedModel, activate_model, active_model, artifact_of, register_model
from academe.insight.scoring import Scored, score_offerings
from academe.insight.training import fit_predictor
from academe.insight.types import ModelStatus, band_of
from academe.platform import clock
from academe.platform.actor import ANONYMOUS, Actor, ActorKind
from academe.platform.audit.models import AuditEntry
from academe.platform.database.session import Session
from academe.platform.errors import PermissionDeniedError
from tests.insight.classes import ENROLLED, MAIN, WITHDRAWN, History, Records, Use, Work, found, id_of, on, write
from tests.insight.scores import sample_card
from tests.insight.test_training import cohort
from tests.support.transactions import as_actor

pytestmark = pytest.mark.anyio

CLASS: Final = Records(
    (
        History(0, ((ENROLLED, -10),)),
        History(1, ((ENROLLED, -5),)),
        History(2, ((ENROLLED, -5), (WITHDRAWN, 12))),
        History(3, ((ENROLLED, -5), (WITHDRAWN, 40))),
    ),
    (*(Use(0, day, day % 4, 5) for day in range(20)), Use(1, 3, 0, 2)),
    (Work(0, 0, 8, 15, 80), Work(3, 0, 8, 15, 40)),
)


class _FactorAsKept(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    theme: str
    label: str = Field(min_length=1)
    contribution: float
    sentence: str = Field(pattern=r"\.$")
    raises: bool


AS_OF: Final = {MAIN: on(20)}


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(training.PARAMETERS, "iterations", 20)
        predictor, _ = fit_predictor(cohort(11, 300))
    return TrainedModel("1", sample_card(), predictor.calibration, artifact_of(predictor.booster))


@pytest.fixture
async def offering(session: Session) -> Offering:
    await found(session, students=4)
    await write(session, CLASS)
    return (await session.scalars(select(Offering).where(Offering.id == MAIN))).one()


@pytest.fixture
async def model(session: Session, actor: Actor, trained: TrainedModel) -> RiskModel:
    model = await register_model(session, actor=actor, trained=trained)
    await activate_model(session, actor=actor, model=model)
    return model


async def scores(session: Session) -> list[RiskScore]:
    return list(await session.scalars(select(RiskScore).order_by(RiskScore.student_id)))


def student_of(number: int) -> Actor:
    return Actor(kind=ActorKind.PERSON, label=f"Student {number}", person_id=id_of("person", number))


async def test_the_still_registered_are_scored(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    done = await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    written = await scores(session)
    assert done == Scored(3, 3)
    assert {score.student_id for score in written} == {id_of("student", number) for number in (0, 1, 3)}
    for score in written:
        assert (score.offering_id, score.model_id, score.as_of) == (MAIN, model.id, on(20))
        assert score.lower <= score.probability <= score.upper
        assert score.band is band_of(score.probability)
        assert tuple(sorted(score.features)) == tuple(sorted(FEATURE_NAMES))
        assert not [value for value in score.features.values() if isinstance(value, float) and math.isnan(value)]


async def test_factors_add_up_to_the_score(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    for score in await scores(session):
        factors = [_FactorAsKept.model_validate(factor).model_dump() for factor in score.factors]
        assert {factor["theme"] for factor in factors} == {theme.value for theme in Theme} | {BASELINE}
        assert factors[-1]["theme"] == BASELINE
        sizes = [abs(factor["contribution"]) for factor in factors[:-1]]
        assert sizes == sorted(sizes, reverse=True)
        assert {factor["label"] for factor in factors[:-1]} == set(THEME_LABELS.values())
        assert all(factor["raises"] == (factor["contribution"] > 0) for factor in factors)
        log_odds = math.log(score.probability / (1 - score.probability))
        # Twelve figures, each rounded to six places.
        assert sum(factor["contribution"] for factor in factors) == pytest.approx(log_odds, abs=1.2e-5)


async def test_sentences_are_about_the_student(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    by_student = {
        score.student_id: {f["theme"]: f["sentence"] for f in score.factors} for score in await scores(session)
    }
    assert by_student[id_of("student", 3)]["visits"] == "No visit to the offering so far."
    assert by_student[id_of("student", 0)]["marks"].startswith("Mean score 80 (middle of the class: 60)")
    assert by_student[id_of("student", 1)]["handed_in"] == "1 of 1 piece of coursework due not handed in."


async def test_a_second_scoring_writes_nothing(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    async def again() -> Scored:
        return await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)

    assert await again() == Scored(3, 3)
    before = [(score.id, score.probability) for score in await scores(session)]
    assert await again() == Scored(3, 0)
    assert [(score.id, score.probability) for score in await scores(session)] == before
    await session.finish()
    entries = select(func.count()).where(AuditEntry.action == "risk.scored")
    assert await session.scalar(entries) == 1


async def test_an_offering_without_students_is_not_scored(session: Session, actor: Actor, model: RiskModel) -> None:
    await found(session, students=0)
    offering = (await session.scalars(select(Offering).where(Offering.id == MAIN))).one()
    done = await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    assert done == Scored(0, 0)


@pytest.mark.parametrize("statement", ["UPDATE risk_score SET probability = 0.5", "DELETE FROM risk_score"])
async def test_a_score_stands_for_good(
    session: Session, actor: Actor, model: RiskModel, offering: Offering, statement: str
) -> None:
    await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        async with session.begin_nested():
            await session.execute(text(statement))


async def test_a_student_reads_their_own_score_and_a_stranger_none(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    seen = select(RiskScore.student_id)
    for number, expected in ((0, [id_of("student", 0)]), (2, [])):
        async with as_actor(session, student_of(number)):
            assert list(await session.scalars(seen)) == expected
    stranger = Actor(kind=ActorKind.PERSON, label="Somebody", person_id=id_of("nobody"))
    for other in (stranger, ANONYMOUS):
        async with as_actor(session, other):
            assert list(await session.scalars(seen)) == []


async def test_nobody_but_academe_itself_writes_scores(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    score = _score_by_hand(model)
    async with as_actor(session, student_of(0)):
        savepoint = await session.begin_nested()
        session.add(score)
        with pytest.raises(DBAPIError, match="row-level security"):
            await session.flush()
        await savepoint.rollback()


def _score_by_hand(model: RiskModel) -> RiskScore:
    values: dict[str, Any] = {"probability": 0.1, "lower": 0.0, "upper": 0.2, "factors": [], "features": {}}
    return RiskScore(
        enrollment_id=id_of("enrollment", "main", 0),
        student_id=id_of("student", 0),
        offering_id=MAIN,
        model_id=model.id,
        as_of=on(20),
        band=band_of(0.1),
        **values,
    )


async def test_a_model_of_other_features_scores_nobody(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    await session.execute(update(RiskModel).values(features=list(FEATURE_NAMES[1:])))
    await session.refresh(model)
    with pytest.raises(ModelMismatchError):
        await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)


async def status_of(session: Session, version: str) -> ModelStatus | None:
    return await session.scalar(select(RiskModel.status).where(RiskModel.version == version))


async def test_one_model_scores_at_a_time(session: Session, actor: Actor, trained: TrainedModel) -> None:
    with pytest.raises(NoActiveModelError):
        await active_model(session)
    first = await register_model(session, actor=actor, trained=trained)
    assert await status_of(session, "1") is ModelStatus.CANDIDATE
    await activate_model(session, actor=actor, model=first)
    with pytest.raises(ModelExistsError):
        await register_model(session, actor=actor, trained=trained)
    later = TrainedModel("2", trained.card, trained.calibration, trained.artifact)
    second = await register_model(session, actor=actor, trained=later)
    await activate_model(session, actor=actor, model=second)
    assert await status_of(session, "1") is ModelStatus.RETIRED
    assert (await active_model(session)).id == second.id


async def test_only_administrators_manage_models(session: Session, trained: TrainedModel) -> None:
    with pytest.raises(PermissionDeniedError):
        await register_model(session, actor=student_of(0), trained=trained)


async def test_who_is_restricted_is_not_scored(
    session: Session, actor: Actor, model: RiskModel, offering: Offering
) -> None:
    student = (await session.scalars(select(StudentRecord).order_by(StudentRecord.number))).first()
    assert student is not None
    person = await session.get_one(Person, student.person_id)
    restriction = ProcessingRestriction(institution_id=person.institution_id, person_id=person.id, reason="Contested")
    session.add(restriction)
    await session.flush()
    before = await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    assert student.id not in {score.student_id for score in await scores(session)}
    restriction.lifted_at, restriction.lift_reason = clock.now(), "Settled"
    await session.flush()
    after = await score_offerings(session, actor=actor, model=model, offerings=[offering], as_of=AS_OF)
    assert (after.enrollments, after.written) == (before.enrollments + 1, 1)
