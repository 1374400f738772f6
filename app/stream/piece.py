"""How records lie in an agent's queue: some of a partition at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from faust.types import TP

from app.kafka.record import Record

#: Records of a partition that go to an agent at once, at most.
PIECE = 250


class Piece(NamedTuple):
    """Some records of a partition, in order, and the group's generation when they came."""

    place: TP
    records: Sequence[Record]
    generation_id: int

    @property
    def end(self) -> int:
        """The offset after the last record: what is committed when they are settled."""
        return self.records[-1].offset + 1
