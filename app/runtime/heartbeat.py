"""Signs of life of each consumer group, for who wants to know whether it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass
class Heartbeat:
    """`beats` grows with whatever is done; `busy` counts batches in hand."""

    beats: int = 0
    busy: int = 0
    #: The store that each who waits for one waits for, which is no standing still.
    waits: dict[object, str] = field(default_factory=dict)

    @property
    def waiting(self) -> str:
        """The store that somebody of the group waits for; empty where nobody does."""
        return next(iter(self.waits.values()), "")

    def beat(self) -> None:
        """Something was done."""
        self.beats += 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While a batch is in hand."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1
            self.beat()


_pulses: dict[str, Heartbeat] = {}
#: The group whose agent runs in this task.
GROUP: ContextVar[str] = ContextVar("group", default="")


def heartbeat_of(group: str) -> Heartbeat:
    """The group's, under the id that it has in Kafka."""
    return _pulses.setdefault(group, Heartbeat())
