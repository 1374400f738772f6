"""What a table's batches have written, on its way to the changelog and to RocksDB.

From stage to stage: in hand, while the batch's outputs are not in Kafka; settled, when they are;
sent, while the changelog has not said that it has it. The newest of these is what the table has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from app.domain.versioned_value import newer

#: A partition and a key.
TableKey = tuple[int, bytes]


class WriteBuffer:
    """Values by place, as bytes with their version."""

    def __init__(self) -> None:
        self._in_hand: dict[TableKey, bytes] = {}
        self._settled: dict[TableKey, bytes] = {}
        self._sent: dict[TableKey, bytes] = {}

    def get(self, place: TableKey) -> bytes | None:
        """The newest value of a place, `None` where none waits."""
        for written in (self._in_hand, self._settled, self._sent):
            if (raw := written.get(place)) is not None:
                return raw
        return None

    def write(self, place: TableKey, raw: bytes) -> None:
        """A batch in hand writes."""
        self._in_hand[place] = raw

    def settle(self) -> None:
        """The outputs of the batch in hand are in Kafka."""
        self._settled |= self._in_hand
        self._in_hand.clear()

    def write_again(self, place: TableKey, raw: bytes) -> None:
        """Have this written with what is settled, unless that is newer."""
        if newer(raw, self._settled.get(place)):
            self._settled[place] = raw

    @property
    def settled(self) -> int:
        """How many values are settled and not yet sent."""
        return len(self._settled)

    def send(self) -> Mapping[TableKey, bytes]:
        """What is settled is on its way from here on: that."""
        self._sent, self._settled = self._settled, {}
        return self._sent

    @property
    def sent(self) -> Mapping[TableKey, bytes]:
        """What is on its way."""
        return self._sent

    def sent_of_each(self) -> Mapping[int, int]:
        """How many values are on their way, by partition."""
        return Counter(partition for partition, _ in self._sent)

    def arrived(self) -> None:
        """What was on its way is where it was to go."""
        self._sent = {}

    def settled_of(self, partition: int) -> dict[bytes, bytes]:
        """All of a partition but what a batch in hand has written, by key."""
        written = self._sent | self._settled
        return {key: raw for (place, key), raw in written.items() if place == partition}

    def drop(self, superseded: Callable[[TableKey, bytes], bool]) -> None:
        """Forget what is settled where that holds."""
        self._settled = {
            place: raw for place, raw in self._settled.items() if not superseded(place, raw)
        }

    def clear(self) -> None:
        """Forget everything."""
        for written in (self._in_hand, self._settled, self._sent):
            written.clear()
