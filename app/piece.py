"""How records lie in an agent's queue: some of a partition at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from faust.types import TP

#: Records of a partition that go to an agent at once, at most.
PIECE = 250


class Piece(NamedTuple):
    """Some records of a partition, in order, and the group's generation when they came."""

    place: TP
    records: Sequence[Any]
    generation_id: int

    @property
    def end(self) -> int:
        """The offset after the last record: what is committed when they are settled."""
        return int(self.records[-1].offset) + 1
