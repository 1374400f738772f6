"""When a group without low latency fetches its records in fewer and larger pieces.

A transaction of the history store costs as much as dozens of messages. While many messages come,
ten transactions a second are enough; while few come, each message is stored at once.
"""

from __future__ import annotations

from typing import Final

#: Records of a fetch from which on the next one gathers: at 12 ms for a fetch and its batch, 600
#: records a second.
MANY: Final = 8

#: Records of a gathering fetch, which waits 0.2 s, below which the next one does not gather: 300
#: records a second.
FEW: Final = 64


def should_gather(count: int, *, already: bool) -> bool:
    """Whether to gather after a fetch of `count` records; `already`: whether that one gathered."""
    return count >= (FEW if already else MANY)
