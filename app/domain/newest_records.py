"""Which record of a key counts where several regions write the same compacted topic.

Each region has a topic of its own and copies the records of the others into it. The newest record
of a key counts, by the clock of the region that wrote it, and of two at the same time that of the
region whose name is the later one. So all regions come to the same value.
"""

from __future__ import annotations

from typing import NamedTuple


class Stamp(NamedTuple):
    """When and in which region a record was written first."""

    at_ms: int
    region: str


class Stamped(NamedTuple):
    """A record's value, `None` for a tombstone, with its stamp."""

    stamp: Stamp
    value: bytes | None


class NewestRecords:
    """The newest record of each key, as far as this region has heard."""

    def __init__(self) -> None:
        self._newest: dict[bytes, Stamped] = {}

    def there(self, key: bytes, record: Stamped) -> Stamped | None:
        """Note a record of this region's topic; what to write behind it: it hides a newer one."""
        newest = self._newest.get(key)
        if newest is not None and newest.stamp > record.stamp:
            return newest
        self._newest[key] = record
        return None

    def elsewhere(self, key: bytes, record: Stamped) -> bool:
        """Note a record of another region's topic; whether to copy it into this region's."""
        newest = self._newest.get(key)
        if newest is not None and newest.stamp >= record.stamp:
            return False
        self._newest[key] = record
        return True
