"""The homes of partitions: which region orders the rooms of each.

A home changes in two ways. On purpose, in one epoch: the region leaves it at some `pos`, and the
next one takes it when it has every event before that. Or by a failover: another region begins an
epoch. Changes have an order, so that every region comes to the same home, whatever it hears first.
"""

from __future__ import annotations

from app.events import EpochBegun, HomeLeft, HomeTaken, HomeWanted

HomeChange = EpochBegun | HomeLeft | HomeTaken


def order(change: HomeChange | None) -> tuple[int, int]:
    """The place of a change among those of its partition: its epoch, and its term in that."""
    if change is None:
        return (0, 0)
    return (change.epoch, 0 if isinstance(change, EpochBegun) else change.term)


def home_after(change: HomeChange, here: str) -> str:
    """The home after its last change, as the region `here` sees it.

    The region that is to take a home is the last one to hand commands to the former one.
    """
    match change:
        case EpochBegun():
            return change.home
        case HomeTaken():
            return change.by
        case HomeLeft():
            return change.by if change.to == here else change.to


def valid(wish: HomeWanted | None, change: HomeChange | None) -> HomeWanted | None:
    """The wish, unless the home has changed since."""
    if wish is None or (wish.epoch, wish.term) != order(change):
        return None
    return wish
