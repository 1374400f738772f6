"""How many connections an edge takes, in all and of one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from app.domain.client_address import bucket_name

#: Open files that are no connections of clients: those to Kafka, Valkey and the history store, and
#: the files of the process.
RESERVED: Final = 128

#: The part of all connections that one address may have.
_PART: Final = 4


class ConnectionCounts:
    """Counts connections by address.

    One address has at most `most` connections, and a quarter of all, so that it takes at least five
    addresses to make an edge deaf for others; with 0 it may have all. Connections of trusted
    proxies are counted in all alone. `open_files` is the limit of the process.
    """

    def __init__(self, most: int, open_files: int, is_proxy: Callable[[str], bool]) -> None:
        self._all = max(RESERVED // 2, open_files - RESERVED)
        self._most = min(most, self._all // _PART) if most else self._all
        self._is_proxy = is_proxy
        self._open = 0
        self._by_address: Counter[str] = Counter()

    def enter(self, peer: str) -> bool:
        """Count a new connection, unless it is one too many; whether it was counted."""
        name = bucket_name(peer)
        if self._open >= self._all:
            return False
        if self._by_address[name] >= self._most and not self._is_proxy(peer):
            return False
        self._open += 1
        self._by_address[name] += 1
        return True

    def leave(self, peer: str) -> None:
        """A connection that was counted is gone."""
        name = bucket_name(peer)
        self._open -= 1
        self._by_address[name] -= 1
        if self._by_address[name] <= 0:
            del self._by_address[name]
