"""Insight: who needs help, why, and how sure we are.

Ideas: `LearnerDay` sums what an enrolment did on one day so that features of any day are read from few rows; features
as of a day use only what was known that day; a `RiskModel` is trained, calibrated and described by its card before it
may score; a `RiskScore` is a probability with an interval, a band, the reasons as exact contributions, and the snapshot
of the features it was computed from.

Tables: `learner_day`, `risk_model`, `risk_score`.

Invariants: no feature ever reads a protected attribute or a fact dated after the day; scores are never changed, a new
day or model makes new ones; at most one model is active.
"""
