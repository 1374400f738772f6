from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import cursor
from app.errors import CursorForeign, CursorMalformed
from app.settings import MAX_PARTITIONS

SECRET = b"s" * 32
DIGEST = cursor.digest_of("a log")
offsets = st.lists(st.integers(0, 2**40), min_size=1, max_size=MAX_PARTITIONS)


@given(offsets)
def test_a_cursor_comes_back_as_it_was(nexts: list[int]) -> None:
    token = cursor.encode(DIGEST, nexts, SECRET)
    assert cursor.decode(token, [SECRET]) == cursor.Cursor(DIGEST, tuple(nexts))


@given(offsets, st.data())
def test_a_flipped_bit_is_noticed(nexts: list[int], data: st.DataObject) -> None:
    token = cursor.encode(DIGEST, nexts, SECRET)
    place = data.draw(st.integers(0, len(token) - 1))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = data.draw(st.sampled_from(alphabet.replace(token[place], "")))
    changed = token[:place] + other + token[place + 1 :]
    with suppress(CursorForeign, CursorMalformed):
        # The last character has bits that nothing is in.
        assert cursor.decode(changed, [SECRET]) == cursor.decode(token, [SECRET])


@given(offsets)
def test_another_deployments_cursor_is_told_apart(nexts: list[int]) -> None:
    with pytest.raises(CursorForeign):
        cursor.decode(cursor.encode(DIGEST, nexts, SECRET), [b"t" * 32])


@given(st.text(max_size=300))
def test_garbage_is_refused_as_such(token: str) -> None:
    with pytest.raises((CursorMalformed, CursorForeign)):
        cursor.decode(token, [SECRET])


def test_a_cursor_over_24_partitions_of_two_million_events_stays_under_128_characters() -> None:
    token = cursor.encode(DIGEST, [2**21 - 1] * MAX_PARTITIONS, SECRET)
    assert len(token) < 128
