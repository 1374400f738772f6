from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.answer_budget import fitting

items = st.lists(st.integers(0, 300).map(lambda size: b"x" * size), max_size=40)


@given(items, st.integers(-10, 3000))
def test_an_answer_has_the_first_items_up_to_its_budget(items: list[bytes], budget: int) -> None:
    found = fitting(items, budget)
    assert list(found) == items[: len(found)]
    size = sum(map(len, found))
    assert size <= budget or len(found) == 1 or budget <= 0
    if len(found) < len(items) and budget > 0:
        assert size + len(items[len(found)]) > budget


@given(items, st.integers(1, 3000))
def test_a_client_that_asks_for_the_rest_gets_all_of_it(items: list[bytes], budget: int) -> None:
    left, had = items, []
    while left:
        found = fitting(left, budget)
        assert found
        had += found
        left = left[len(found) :]
    assert had == items
