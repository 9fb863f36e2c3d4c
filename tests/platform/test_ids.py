"""Ids: of the right kind, never twice, and in the order in which they were made."""

import time

import pytest

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
