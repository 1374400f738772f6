"""The write buffer of a table: values on their way to the changelog and to RocksDB.

A value passes three stages. It is in hand while the outputs of its batch are not in Kafka, settled
once they are, and sent while the changelog has not confirmed it. A read sees the newest of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain

from app.domain.versioned_value import newer

#: A partition and a key.
TableKey = tuple[int, bytes]


class WriteBuffer:
    """Values by partition and key, as bytes with their version."""

    def __init__(self) -> None:
        self._in_hand: dict[TableKey, bytes] = {}
        self._settled: dict[TableKey, bytes] = {}
        self._sent: dict[TableKey, bytes] = {}

    def get(self, key: TableKey) -> bytes | None:
        """The newest value in the buffer; `None` where it has none."""
        # Written out, because every read of a table comes here.
        for written in (self._in_hand, self._settled, self._sent):
            if (raw := written.get(key)) is not None:
                return raw
        return None

    @property
    def _stages(self) -> tuple[dict[TableKey, bytes], ...]:
        """The stages, that of the newest values first."""
        return self._in_hand, self._settled, self._sent

    def write(self, key: TableKey, raw: bytes) -> None:
        """Take a write of the batch in hand."""
        self._in_hand[key] = raw

    def settle(self) -> None:
        """Settle the writes of the batch in hand."""
        self._settled |= self._in_hand
        self._in_hand.clear()

    def write_again(self, key: TableKey, raw: bytes) -> None:
        """Add a value to the settled ones, unless a newer one is at any stage.

        That one reaches the changelog, too, and would be replaced by this one.
        """
        if all(newer(raw, stage.get(key)) for stage in self._stages):
            self._settled[key] = raw

    @property
    def unsent(self) -> int:
        """How many values are settled and not sent."""
        return len(self._settled)

    def send(self) -> Mapping[TableKey, bytes]:
        """Move the settled values to the stage of sending, and return them."""
        self._sent, self._settled = self._settled, {}
        return self._sent

    def stored(self) -> None:
        """Drop the sent values: RocksDB has them."""
        self._sent = {}

    def settled_of(self, partition: int) -> dict[bytes, bytes]:
        """The settled and the sent values of a partition by key, without the batch in hand."""
        written = self._sent | self._settled
        return {key: raw for (of, key), raw in written.items() if of == partition}

    def prefixed(self, partition: int, prefix: bytes) -> dict[bytes, bytes]:
        """The newest values of a partition whose keys begin so."""
        return {
            key: raw
            for stage in (self._sent, self._settled, self._in_hand)
            for (of, key), raw in stage.items()
            if of == partition and key.startswith(prefix)
        }

    def keys_of(self, partition: int) -> set[bytes]:
        """The keys of a partition's values, of all three stages."""
        written = chain(self._in_hand, self._settled, self._sent)
        return {key for of, key in written if of == partition}

    def drop(self, superseded: Callable[[TableKey, bytes], bool]) -> None:
        """Drop the settled values for which `superseded` is true."""
        self._settled = {key: raw for key, raw in self._settled.items() if not superseded(key, raw)}

    def clear(self) -> None:
        """Drop everything."""
        for written in self._stages:
            written.clear()


def count_by_partition(values: Mapping[TableKey, bytes]) -> Mapping[int, int]:
    """How many of the values each partition has."""
    return Counter(partition for partition, _ in values)
