"""Signs of life of each consumer group, for who wants to know whether it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Pulse:
    """`beats` grows with whatever is done; `busy` counts batches in hand."""

    beats: int = 0
    busy: int = 0
    #: The store that an agent waits for, which is no standing still.
    waiting: str = ""

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


_pulses: dict[str, Pulse] = {}
#: The group whose agent runs in this task.
GROUP: ContextVar[str] = ContextVar("group", default="")


def pulse(group: str) -> Pulse:
    """The group's, under the id that it has in Kafka."""
    return _pulses.setdefault(group, Pulse())
