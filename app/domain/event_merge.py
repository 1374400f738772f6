"""Merging a reader's backfill with the events that were published meanwhile.

During a backfill the missed events are read from the windows of the rooms, and new events wait. The
two overlap. Within a partition events are ordered by `pos`, because a cursor has a `pos` for
each partition; between partitions there is no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """An event of a room for a reader."""

    room: str
    n: int
    partition: int
    pos: int
    event: bytes


def merge(nexts: Sequence[int], items: Iterable[Item]) -> list[tuple[Item, tuple[int, ...]]]:
    """The items in the order of delivery, each once, with the cursor position after it.

    `nexts` is the position before. A position never goes back: in each partition it is the maximum
    of the position before and those of the delivered items.
    """
    unique = {(item.room, item.n): item for item in items}
    ordered = sorted(unique.values(), key=lambda item: (item.partition, item.pos, item.n))
    position = list(nexts)
    merged = []
    for item in ordered:
        position[item.partition] = max(position[item.partition], item.pos + 1)
        merged.append((item, tuple(position)))
    return merged
