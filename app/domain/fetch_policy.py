"""When a group that is in no hurry has its records come in fewer and larger pieces.

A transaction of the history store costs as much as dozens of messages: while many come, ten a
second are enough, and while few come, each is stored at once.
"""

from __future__ import annotations

from typing import Final

#: Records in one fetch from which on it gathers: at 12 ms for a fetch and what follows, 600 a
#: second.
MANY: Final = 8

#: Records in one fetch, which then brings those of 0.2 s, below which it no longer does: 300 a
#: second.
FEW: Final = 64


def gathers(count: int, *, already: bool) -> bool:
    """Whether to gather after a fetch of `count` records, where it does so `already` or not."""
    return count >= (FEW if already else MANY)
