"""The files of the spool: what is cut off, what is damaged, and that neither is mistaken for the other."""

import os
from itertools import pairwise
from uuid import uuid4

import pytest

from academe.lrs.spool.errors import SegmentUnreadableError
from academe.lrs.spool.segments import FRAME_HEAD_BYTES, HEAD_BYTES, SegmentKey, scan

MASTER = os.urandom(32)
SEGMENT = uuid4()
CONTENTS = (b"one statement", b"FRAM and more", b"x" * 500)


def a_segment() -> tuple[bytes, list[int]]:
    """A file with three frames, and where each ends, the head included."""
    key = SegmentKey.new(SEGMENT, MASTER)
    data, ends = key.head, [HEAD_BYTES]
    for number, content in enumerate(CONTENTS):
        data += key.sealed(content, number=number, statements=number + 1)
        ends.append(len(data))
    return data, ends


def contents(data: bytes, *masters: bytes) -> list[bytes]:
    key = SegmentKey.opened(SEGMENT, data[:HEAD_BYTES], masters or (MASTER,))
    return [key.content(data, frame) for frame in scan(data).frames]


def test_what_was_written_is_read() -> None:
    data, _ = a_segment()
    found = scan(data)
    assert (found.statements, found.torn_bytes, found.damaged) == (6, 0, [])
    assert contents(data) == list(CONTENTS)
    assert all(content not in data for content in CONTENTS)


def test_every_cut_loses_the_last_frame_alone() -> None:
    data, ends = a_segment()
    for cut in range(HEAD_BYTES, len(data)):
        found = scan(data[:cut])
        whole = sum(end <= cut for end in ends) - 1
        assert len(found.frames) == whole
        assert found.damaged == []
        assert found.torn_bytes == cut - ends[whole]


def test_every_flipped_bit_is_found_and_the_others_are_read() -> None:
    data, ends = a_segment()
    for number, (start, end) in enumerate(pairwise(ends)):
        for place in range(start, end):
            changed = bytearray(data)
            changed[place] ^= 1 << (place % 8)
            found = scan(bytes(changed))
            assert [frame.number for frame in found.frames] == [each for each in range(3) if each != number]
            assert found.damaged == [(start, end)]
            assert found.torn_bytes == 0


def test_every_flipped_bit_of_the_head_is_found() -> None:
    data, _ = a_segment()
    for place in range(HEAD_BYTES):
        changed = bytearray(data)
        changed[place] ^= 1
        assert list(scan(bytes(changed)).damaged) == [(0, len(data))]


def test_space_that_a_loss_of_power_left_empty_is_cut_off() -> None:
    data, _ = a_segment()
    found = scan(data + bytes(4096))
    assert (len(found.frames), found.torn_bytes, found.damaged) == (3, 4096, [])


def test_a_frame_of_another_file_is_not_read() -> None:
    data, ends = a_segment()
    other = SegmentKey.new(uuid4(), MASTER).sealed(b"foreign", number=1, statements=1)
    with pytest.raises(SegmentUnreadableError, match="comes from another file"):
        contents(data[: ends[1]] + other)


def test_a_frame_in_another_place_of_its_file_is_not_read() -> None:
    data, ends = a_segment()
    key = SegmentKey.opened(SEGMENT, data[:HEAD_BYTES], (MASTER,))
    forged = key.sealed(CONTENTS[0], number=7, statements=1)
    frame = scan(data[:HEAD_BYTES] + forged).frames[0]
    with pytest.raises(SegmentUnreadableError):
        key.content(data[:HEAD_BYTES] + data[ends[0] : ends[1]], frame._replace(end=ends[1]))
    assert frame.start == HEAD_BYTES + FRAME_HEAD_BYTES


def test_an_older_master_key_still_opens_it_and_another_does_not() -> None:
    data, _ = a_segment()
    assert contents(data, os.urandom(32), MASTER) == list(CONTENTS)
    with pytest.raises(SegmentUnreadableError, match="ACADEME_ENCRYPTION_MASTER_KEYS"):
        contents(data, os.urandom(32))
