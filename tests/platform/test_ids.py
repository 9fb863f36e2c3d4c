"""Ids: of the right kind, never twice, and in the order in which they were made."""

import time
from uuid import RFC_4122, UUID

import polars as pl
import pytest

from academe.platform.database.staging import with_ids
from academe.platform.ids import new_id, new_ids


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_ids_are_version_7_and_increase_over_full_counters(count: int) -> None:
    before = new_id()
    made = [before, *new_ids(count), new_id()]
    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_they_begin_with_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id().int >> 80
    # Counters that overflowed in other tests have borrowed some milliseconds.
    assert before <= made <= time.time_ns() // 1_000_000 + 50


def test_ids_of_bulk_rows_are_ids_like_any_other() -> None:
    before = new_id()
    rows = with_ids(pl.DataFrame({"number": range(10_000)}))
    made = [before, *(UUID(text) for text in rows["id"]), new_id()]
    assert made == sorted(set(made))
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert rows["number"].to_list() == list(range(10_000))
