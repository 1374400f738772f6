from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import prefer


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=10"], 10),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10"], 10),
        (['wait="7"'], 7),
        (["Wait = 5"], 5),
        (["wait=5; x=y"], 5),
        (["wait=0"], 0),
        (["wait=31"], 30),
        (["wait=3, wait=9"], 3),
        (["waiting=3"], None),
        ([], None),
        ([""], None),
        (["wait"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=1_0"], None),
        (["wait=٣"], None),
        (['wait="3'], None),
        (["wait=soon, wait=9"], None),
    ],
)
def test_the_first_wait_counts_and_malformed_is_absent(
    headers: list[str], seconds: int | None
) -> None:
    assert prefer.wait(headers) == seconds


@given(st.lists(st.text(max_size=40), max_size=4))
def test_no_header_breaks_it_or_waits_longer_than_it_may(headers: list[str]) -> None:
    found = prefer.wait(headers)
    assert found is None or 0 <= found <= prefer.LONGEST
