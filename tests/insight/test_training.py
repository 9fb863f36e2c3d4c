"""Training on small made-up cohorts: signal is learned, contributions add up; without outcomes there is no model."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from academe.academics.models import Offering
from academe.academics.types import EnrollmentStatus, Outcome
from academe.insight import training
from academe.insight.features.catalog import FEATURE_NAMES, THEME_OF, Theme
from academe.insight.metrics import calibration_error, week_metrics
from academe.insight.prediction import ELAPSED, THEMES, RiskPredictor
from academe.insight.training import (
    UNKNOWN_SPREAD,
    NothingToTrainOnError,
    Snapshots,
    fit_predictor,
    offering_spread,
    read_snapshots,
)
from academe.platform.database.session import Session
from tests.insight.classes import ENROLLED, WITHDRAWN, History, Records, Use, found, id_of, write

ACTIVE_DAYS = FEATURE_NAMES.index("active_days")
SCORE = FEATURE_NAMES.index("score_mean")


def cohort(seed: int, enrollments: int = 500) -> Snapshots:
    """Enrolments at three weeks each, of which those with few active days and low scores are lost more often."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(3 * enrollments, len(FEATURE_NAMES))).astype(np.float32)
    week = np.repeat([4, 8, 12], enrollments)
    features[:, ELAPSED] = week / 14
    diligence = np.tile(random.normal(size=enrollments), 3)
    features[:, ACTIVE_DAYS] = diligence * 5 + 10
    features[:, SCORE] = np.where(week == 4, np.nan, diligence * 10 + 60)
    risk = 1 / (1 + np.exp(2.5 * diligence[:enrollments]))
    return Snapshots(
        features=features,
        lost=np.tile((random.uniform(size=enrollments) < risk).astype(float), 3),
        week=week,
        student=np.tile(np.arange(enrollments), 3),
        enrollment=np.tile(np.arange(enrollments), 3),
        starts_on=np.full(3 * enrollments, np.datetime64("2013-10-01")),
        unit=np.ones(3 * enrollments, dtype=np.int64),
    )


@pytest.fixture(scope="module")
def predictor() -> RiskPredictor:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(training.PARAMETERS, "iterations", 60)
        return fit_predictor(cohort(1, 1500))[0]


def test_signal_is_learned_and_calibrated(predictor: RiskPredictor) -> None:
    unseen = cohort(2)
    probability = predictor.predict(unseen.features).probability
    figures = week_metrics(8, unseen.lost, probability)
    assert figures.auc > 0.8
    assert calibration_error(unseen.lost, probability) < 0.07


def test_contributions_and_baseline_are_the_log_odds(predictor: RiskPredictor) -> None:
    predictions = predictor.predict(cohort(3).features)
    log_odds = np.log(predictions.probability / (1 - predictions.probability))
    added = predictions.contributions.sum(axis=1) + predictions.baseline
    assert np.abs(added - log_odds).max() < 1e-6
    assert predictions.contributions.shape[1] == len(THEMES) == len(Theme)
    assert (predictions.lower <= predictions.probability).all()
    assert (predictions.probability <= predictions.upper).all()


def test_the_themes_with_the_signal_contribute_most(predictor: RiskPredictor) -> None:
    size = np.abs(predictor.predict(cohort(4).features).contributions).mean(axis=0)
    by_size = [THEMES[index] for index in np.argsort(-size)]
    assert set(by_size[:2]) == {THEME_OF["active_days"], THEME_OF["score_mean"]} == {Theme.VISITS, Theme.MARKS}


def test_the_number_of_threads_changes_no_prediction(predictor: RiskPredictor) -> None:
    features = cohort(5, 50).features
    one, two = predictor.predict(features, threads=1), predictor.predict(features, threads=2)
    assert (one.probability == two.probability).all()


def test_a_fold_never_splits_a_student() -> None:
    snapshots = cohort(6, 100)
    seen = np.zeros(len(snapshots.lost))
    for held_out in snapshots.folds():
        assert not set(snapshots.student[held_out]) & set(snapshots.student[~held_out])
        seen += held_out
    assert (seen == 1).all()


def test_calibration_sees_no_student_that_its_booster_has_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots, trained_on = cohort(7, 100), []
    fit = training.fit_booster

    def noting(known: Snapshots, **more: int) -> object:
        trained_on.append(set(known.student.tolist()))
        return fit(known, **more)

    monkeypatch.setitem(training.PARAMETERS, "iterations", 5)
    monkeypatch.setattr(training, "fit_booster", noting)
    _, held_out = fit_predictor(snapshots)
    assert not trained_on[0] & set(snapshots.student[held_out].tolist())
    assert held_out.any()


async def offerings(session: Session, *names: str) -> list[Offering]:
    wanted = select(Offering).where(Offering.id.in_([id_of("offering", name) for name in names]))
    return list(await session.scalars(wanted.options(joinedload(Offering.unit), joinedload(Offering.term))))


@pytest.mark.anyio
async def test_snapshots_hold_who_was_still_there(session: Session) -> None:
    await found(session, students=4)
    ended = ((ENROLLED, -10), (EnrollmentStatus.COMPLETED, 100))
    await write(
        session,
        Records(
            (
                History(0, ended, outcome=(Outcome.PASS, 100)),
                History(1, ended, outcome=(Outcome.FAIL, 100)),
                History(2, ((ENROLLED, -10), (WITHDRAWN, 20)), outcome=(Outcome.WITHDRAWN, 20)),
                History(3, ended),  # nobody knows how it ended
            ),
            (Use(0, 1, 0, 5),),
        ),
    )
    told: list[tuple[int, int]] = []
    snapshots = await read_snapshots(
        session,
        offerings=await offerings(session, "main"),
        weeks=(2, 4, 20),
        say=lambda done, total: told.append((done, total)),
    )
    assert snapshots.week.tolist() == [2, 2, 2, 4, 4]  # the third has left, and week 20 is after the end
    assert sorted(snapshots.lost[:3].tolist()) == [0, 1, 1]
    assert sorted(snapshots.lost[3:].tolist()) == [0, 1]
    assert snapshots.elapsed.tolist() == pytest.approx([0.14] * 3 + [0.28] * 2)
    assert len(set(snapshots.enrollment.tolist())) == 3
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.anyio
@pytest.mark.parametrize("outcome", [None, (Outcome.PASS, 100)], ids=["no outcomes", "nobody was lost"])
async def test_without_outcomes_of_both_kinds_there_is_nothing_to_train_on(
    session: Session, outcome: tuple[Outcome, int] | None
) -> None:
    await found(session, students=1)
    await write(session, Records((History(0, ((ENROLLED, -10),), outcome=outcome),)))
    with pytest.raises(NothingToTrainOnError):
        await read_snapshots(session, offerings=await offerings(session, "main"), weeks=(2,))


@pytest.mark.anyio
async def test_without_offerings_there_is_nothing_to_train_on(session: Session) -> None:
    with pytest.raises(NothingToTrainOnError):
        await read_snapshots(session, offerings=[], weeks=(2,))


def test_offerings_of_another_term_that_end_worse_widen_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.PARAMETERS, "iterations", 40)
    alike = _in_terms(cohort(21, 600))
    worse = _in_terms(cohort(21, 600))
    late = worse.starts_on == np.datetime64("2014-10-01")
    lost_more = late & (np.random.default_rng(5).integers(0, 2, 600)[worse.enrollment] == 1)
    worse.lost[lost_more] = 1.0
    assert offering_spread(alike) < 0.4
    assert offering_spread(worse) > offering_spread(alike) + 0.3


def test_one_offering_says_nothing_of_others() -> None:
    assert offering_spread(cohort(22, 200)) == UNKNOWN_SPREAD


def _in_terms(snapshots: Snapshots) -> Snapshots:
    """The cohort, half of it in a later term."""
    late = snapshots.enrollment % 2 == 1
    return replace(snapshots, starts_on=np.where(late, np.datetime64("2014-10-01"), snapshots.starts_on))
