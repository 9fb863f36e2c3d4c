"""The door of the learning record store."""

from academe.lrs.service import load_activity_days, prepare_months
from academe.lrs.types import Activity, ActivityDays

__all__ = ["Activity", "ActivityDays", "load_activity_days", "prepare_months"]
