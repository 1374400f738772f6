"""All limits of an edge, for the parts that take requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from app.delivery.shared_buckets import SharedBuckets
from app.runtime.open_files import open_files
from app.settings import Settings
from web.http.problem import Problem
from web.limits.client_addresses import ClientAddresses
from web.limits.connection_counts import ConnectionCounts
from web.limits.kinds import Kind, rates
from web.limits.limiter import Limiter
from web.limits.refusal import RateLimited

#: Seconds for which a refusal is held back: a client that asks at full speed asks once a second on
#: each connection.
HELD_SECONDS: Final = 1.0

#: So many refusals that are held back add a second to that, up to the most: a thousand connections
#: that ask in a loop ask two hundred times a second.
_CROWD: Final = 100
_LONGEST_SECONDS: Final = 5.0

#: Refusals that are held back at once; each has a request in memory.
_MOST_HELD: Final = 2000


class Limits:
    """Who may ask, how often, and on how many connections. Without `shared` the edge is alone."""

    def __init__(self, settings: Settings, shared: SharedBuckets | None = None) -> None:
        self.addresses = ClientAddresses(settings)
        self.limiter = Limiter(rates(settings), shared, asyncio.get_running_loop().time)
        self.connections = ConnectionCounts(
            settings.connections, open_files(), self.addresses.is_proxy
        )
        #: Bytes of events in an answer.
        self.answer_bytes = settings.answer_bytes
        self._max_polls = settings.polls
        self._polls: Counter[str] = Counter()
        self._held = 0
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    def allow_address(self, peer: str, header: Sequence[str]) -> str:
        """Count a request of the address, which is returned. Raises `RateLimited`."""
        owner = self.addresses.owner(peer, header)
        self.limiter.allow((Kind.ADDRESS, owner, 1))
        return owner

    def allow_connection(self, peer: str) -> bool:
        """Count a new connection; whether it may stay. It counts as a request of its address."""
        if not self.addresses.is_proxy(peer):
            try:
                self.limiter.allow((Kind.ADDRESS, self.addresses.owner(peer, ()), 1))
            except RateLimited:
                return False
        return self.connections.enter(peer)

    def begin_polls(self, user: str) -> None:
        """A connection begins to poll. Raises `Problem` 429 `too_many_polls`."""
        if self._polls[user] >= self._max_polls:
            detail = f"one person has at most {self._max_polls} connections that poll here"
            raise Problem("too_many_polls", detail)
        self._polls[user] += 1

    def end_polls(self, user: str) -> None:
        """A connection polls no more."""
        self._polls[user] -= 1
        if self._polls[user] <= 0:
            del self._polls[user]

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncIterator[None]:
        """One request of the user's at a time: for those that take memory while they are served."""
        lock, waiting = self._turns.get(user) or (asyncio.Lock(), 0)
        self._turns[user] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns.pop(user)
            if waiting > 1:
                self._turns[user] = lock, waiting - 1

    async def hold_back(self, retry_after: float) -> None:
        """Return when a refusal may be answered: a moment later, so that nobody asks in a loop."""
        if self._held >= _MOST_HELD:
            return
        self._held += 1
        try:
            seconds = min(HELD_SECONDS + self._held / _CROWD, _LONGEST_SECONDS)
            await asyncio.sleep(min(seconds, retry_after))
        finally:
            self._held -= 1
