"""Calibration: a probability that means what it says, keeps the order, and lies inside its interval."""

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from academe.insight.calibration import GROUP, Calibration, shift_of, spread_of
from academe.insight.metrics import calibration_bins, calibration_error, precision_and_recall_at, week_metrics

Numbers = npt.NDArray[np.float64]


def logistic(values: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-values)))


def skewed(seed: int, count: int = 6000) -> tuple[Numbers, Numbers, Numbers]:
    """Margins of a booster that exaggerates and hopes too much, elapsed shares, and what became of the enrolments."""
    random = np.random.default_rng(seed)
    elapsed = random.uniform(0, 1, count)
    truth = random.normal(0.4, 1.2, count)
    lost = (random.uniform(size=count) < logistic(truth)).astype(float)
    return 2.5 * truth - 1.5 + elapsed, elapsed, lost


@pytest.fixture(scope="module")
def fitted() -> Calibration:
    margin, elapsed, lost = skewed(1)
    return Calibration.fit(margin, elapsed, lost, spread=0.3)


def test_calibration_mends_a_skewed_booster(fitted: Calibration) -> None:
    margin, elapsed, lost = skewed(2)
    calibrated = fitted.probability(margin, elapsed)
    assert calibration_error(lost, logistic(margin)) > 0.1
    assert calibration_error(lost, calibrated) < 0.025
    assert abs(calibrated.mean() - lost.mean()) < 0.02
    assert roc_auc_score(lost, calibrated) >= roc_auc_score(lost, margin) - 0.001


def test_the_order_is_kept_at_every_stage(fitted: Calibration) -> None:
    margin = np.linspace(-8, 8, 400)
    for stage in (0.0, 0.3, 0.7, 1.0):
        assert (np.diff(fitted.probability(margin, np.full(400, stage))) > 0).all()


def test_a_line_that_would_turn_the_order_round_does_not_depend_on_the_stage() -> None:
    random = np.random.default_rng(3)
    margin, elapsed = random.normal(size=4000), random.uniform(0, 1, 4000)
    lost = (random.uniform(size=4000) < logistic((2 - 2.6 * elapsed) * margin)).astype(float)
    calibration = Calibration.fit(margin, elapsed, lost, spread=0.0)
    assert calibration.slope_elapsed == 0
    assert calibration.slope > 0


def test_the_interval_holds_the_probability(fitted: Calibration) -> None:
    probability = np.concatenate([[0.0, 1.0], np.linspace(0.0001, 0.9999, 999)])
    lower, upper = fitted.interval(probability)
    assert (lower >= 0).all()
    assert (upper <= 1).all()
    assert (lower <= probability).all()
    assert (probability <= upper).all()


def test_the_interval_worked_out_by_hand(fitted: Calibration) -> None:
    """At one half, the share of 200 varies by 1 / (200 / 4) = 0.02 in squared log-odds, offerings by 0.3 squared."""
    lower, upper = fitted.interval(np.array([0.5]))
    half = 1.6448536 * (0.3**2 + 0.02) ** 0.5
    assert lower[0] == pytest.approx(1 / (1 + np.exp(half)))
    assert upper[0] == pytest.approx(1 / (1 + np.exp(-half)))


def test_the_interval_holds_the_share_in_nine_of_ten_offerings_that_differ() -> None:
    random = np.random.default_rng(6)
    shifts = random.normal(0, 0.4, 400)
    offerings = [random.uniform(size=GROUP) < logistic(np.full(GROUP, -0.7 + shift)) for shift in shifts]
    seen = [shift_of(np.full(GROUP, -0.7), lost.astype(float)) for lost in offerings[:200]]
    spread = spread_of(seen)
    assert spread == pytest.approx(0.4, rel=0.15)
    line = Calibration(slope=1, slope_elapsed=0, intercept=0, intercept_elapsed=0, spread=spread)
    lower, upper = line.interval(logistic(np.array([-0.7])))
    held = np.mean([lower[0] <= lost.mean() <= upper[0] for lost in offerings[200:]])
    assert 0.85 <= held <= 0.95


def test_chance_alone_is_no_spread() -> None:
    random = np.random.default_rng(7)
    margin = random.normal(0, 1, 5000)
    lost = (random.uniform(size=5000) < logistic(margin)).astype(float)
    shifts = [shift_of(margin[rows], lost[rows]) for rows in np.array_split(np.arange(5000), 25)]
    assert spread_of(shifts) < 0.1


def test_a_calibration_survives_json(fitted: Calibration) -> None:
    margin, elapsed, _ = skewed(5, 50)
    again = Calibration.model_validate_json(fitted.model_dump_json())
    assert (again.probability(margin, elapsed) == fitted.probability(margin, elapsed)).all()


def test_figures_worked_out_by_hand() -> None:
    lost, probability = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.05, 0.95, 0.35, 0.35])
    assert [part.count for part in calibration_bins(lost, probability)] == [1, 2, 1]
    # Gaps of 0.05, 0.15 and 0.05, weighted 1, 2 and 1 of 4.
    assert calibration_error(lost, probability) == pytest.approx(0.1)
    assert precision_and_recall_at(lost, probability, 0.25) == (1.0, 0.5)
    assert precision_and_recall_at(lost, probability, 0.5) == (1.0, 1.0)
    figures = week_metrics(4, lost, probability)
    assert (figures.enrollments, figures.base_rate) == (4, 0.5)
    assert figures.auc == pytest.approx(3.5 / 4)
    assert figures.brier == pytest.approx((0.05**2 + 0.05**2 + 0.65**2 + 0.35**2) / 4)


def test_a_certain_probability_belongs_to_the_last_bin() -> None:
    assert calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0
