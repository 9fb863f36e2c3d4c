"""What bulk loads of the rollup are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import polars as pl


@dataclass(frozen=True, slots=True)
class Activity:
    """Something learners use; `kind` is its type in the source's words, `context_id` what it belongs to."""

    id: UUID
    kind: str
    context_id: UUID


@dataclass(frozen=True, slots=True)
class ActivityDays:
    """Days of activity, with the actors and activities listed once and named by their position (from 0).

    `days` has the columns `actor` and `activity` (positions, whole numbers), `day` (a date) and `count` (from 1), with
    no two rows for the same actor, activity and day. That is a quarter of the bytes of the rows themselves.
    """

    actors: Sequence[UUID]
    activities: Sequence[Activity]
    days: pl.DataFrame
