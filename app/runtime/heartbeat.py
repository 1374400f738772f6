"""The heartbeat of each consumer group, for the health server and the stall watchdog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Heartbeat:
    """`beats` grows with every step of work; `batches` counts the batches in hand."""

    beats: int = 0
    batches: int = 0
    #: By waiting task or probe, the store that it waits for. Waiting is no stall.
    waits: dict[object, str] = field(default_factory=dict)

    @property
    def waits_for(self) -> str:
        """The store that a part of the group waits for; empty for none."""
        return next(iter(self.waits.values()), "")

    def beat(self) -> None:
        """Note a step of work."""
        self.beats += 1

    @contextmanager
    def batch_in_hand(self) -> Iterator[None]:
        """Count a batch while it is in hand."""
        self.batches += 1
        try:
            yield
        finally:
            self.batches -= 1
            self.beat()


_heartbeats: dict[str, Heartbeat] = {}
#: The group id of the agent that runs in this task.
GROUP: ContextVar[str] = ContextVar("group", default="")


def heartbeat_of(group: str) -> Heartbeat:
    """The heartbeat of a group, by its id in Kafka."""
    return _heartbeats.setdefault(group, Heartbeat())
