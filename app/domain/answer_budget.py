"""The bytes of an answer: as many of the first items as fit, and one at least."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T", bound=bytes)


def fitting(items: Sequence[T], budget: int) -> Sequence[T]:
    """The first items that have at most `budget` bytes together.

    The first is among them even where it is larger, so that a client that asks again gets on. With
    a budget of 0 there are none.
    """
    if budget <= 0:
        return items[:0]
    sizes = accumulate(map(len, items))
    count = sum(1 for size in sizes if size <= budget)
    return items[: max(1, count)]
