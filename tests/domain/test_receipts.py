"""A receipt never goes back within an epoch, and no mark reaches beyond what is left of a room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.receipts import Read, advance, depends, left

EPOCH, END = 2, 5
marks = st.builds(Read, st.integers(0, 9), st.integers(0, EPOCH))


@given(known=st.none() | marks, receipt=marks)
def test_a_mark_is_the_highest_of_what_is_left(known: Read | None, receipt: Read) -> None:
    before = None if known is None else left(known, EPOCH, END)
    after = advance(before, left(receipt, EPOCH, END)) or before
    seqs = [
        mark.seq if mark.epoch == EPOCH else min(mark.seq, END)
        for mark in (known, receipt)
        if mark is not None
    ]
    assert (after.seq if after is not None else 0) == max(seqs)
    assert after is None or after.epoch == EPOCH


@given(known=st.none() | marks, receipt=marks)
def test_where_nothing_depends_on_what_was_lost_it_is_not_looked_up(
    known: Read | None, receipt: Read
) -> None:
    if not depends(known, receipt, EPOCH):
        before = None if known is None else left(known, EPOCH, END)
        assert advance(known, receipt) == advance(before, left(receipt, EPOCH, END))
