"""Putting a reader's missed events and its waiting ones together into one order.

While a reader catches up, what it missed is read from the rooms' windows, and what is published
meanwhile waits. The two overlap. Within a partition the order is the offset's, because a cursor
says of each partition how far the reader has got; between partitions there is no order to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """An event of a room on its way to readers."""

    room: str
    n: int
    partition: int
    offset: int
    event: bytes


def join(nexts: Sequence[int], items: Iterable[Item]) -> list[tuple[Item, tuple[int, ...]]]:
    """The items in the order to deliver, each once, with the cursor position after it.

    `nexts` is where the reader stands before. A position never goes back: it is the larger, in
    each partition, of where the reader stood and what it has got.
    """
    unique = {(item.room, item.n): item for item in items}
    ordered = sorted(unique.values(), key=lambda item: (item.partition, item.offset, item.n))
    stands = list(nexts)
    joined = []
    for item in ordered:
        stands[item.partition] = max(stands[item.partition], item.offset + 1)
        joined.append((item, tuple(stands)))
    return joined
