"""Admission in batches: subscribers that come at the same time are brought up to date together.

Each request to Valkey is made once for all subscribers of a batch, so that each of them costs
little when thousands come back at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from app.delivery import keys
from app.delivery.lookups import REFILLED
from app.errors import Unreachable
from app.runtime.retry import AWAY
from web.hub.hub import Hub
from web.hub.room import Room, User

log = structlog.get_logger()

#: Seconds that a batch takes at most, and that a subscriber waits for a view that is refilled.
TIMEOUT = 5.0

#: Subscribers in one batch; the others wait for the next, and sends are served in between.
BATCH_SIZE = 128

#: Seconds between looks at a view that is being refilled.
_RETRY_SECONDS = 0.1

#: The end of each partition of the log itself, or an error.
LogEnds = Callable[[], Awaitable[Sequence[int]]]


class BeyondLog(Exception):
    """The cursor is beyond the end of the log: it is of another log."""


class PendingAdmission:
    """A subscriber that waits for admission: its user, and the position of its cursor."""

    __slots__ = ("admitted", "deadline", "position", "user")

    def __init__(self, user: User, position: tuple[int, ...]) -> None:
        self.user = user
        self.position = position
        #: When it stops waiting for the view; 0 until its first batch.
        self.deadline = 0.0
        self.admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class AdmissionBatches:
    """Admits users batch by batch, one batch at a time."""

    def __init__(self, hub: Hub, log_ends: LogEnds) -> None:
        self._hub = hub
        self._state = hub.state
        self._log_ends = log_ends
        self._reading_ends: set[asyncio.Task[None]] = set()
        self._pending: deque[PendingAdmission] = deque()
        self._running: asyncio.Task[None] | None = None

    async def admit(self, user: User, position: tuple[int, ...]) -> None:
        """Return when everything published before in the user's rooms has come to this edge.

        The view is then at `position` or beyond. A view that was emptied is refilled from the log;
        a user admitted meanwhile would be in no room, then join each, and get its events from the
        beginning again. A partition that is being refilled holds up the users of its rooms alone,
        as soon as its memberships are back. Raises `Unreachable` where Valkey or the refill takes
        too long, and `BeyondLog` where the log ends before `position`.
        """
        pending = PendingAdmission(user, position)
        self._pending.append(pending)
        self._start()
        await pending.admitted

    def _start(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Admit batch after batch until none is pending."""
        while self._pending:
            await asyncio.sleep(0)  # subscribers of the same moment join the batch
            size = min(BATCH_SIZE, len(self._pending))
            batch = [self._pending.popleft() for _ in range(size)]
            try:
                async with asyncio.timeout(TIMEOUT):
                    await self._admit(batch)
            except Exception as error:  # noqa: BLE001 - the pending ones get every error
                if isinstance(error, TimeoutError):
                    log.warning("an admission took too long, connecting to Valkey again")
                    self._hub.reconnect()
                waiting, self._pending = self._pending, deque()
                _fail([*batch, *waiting], error)
        self._running = None

    async def _admit(self, batch: list[PendingAdmission]) -> None:
        subscription = self._hub.subscription
        while True:
            connection = subscription.count
            batch = await self._ready([one for one in batch if not one.admitted.done()])
            users = {one.user for one in batch}
            new = [user for user in users if not user.settled]
            whole = await self._follow(new)
            whole &= await self._sync({room for user in users for room in user.rooms})
            if whole and connection == subscription.count:
                break
            # A connection lost meanwhile may have lost the event by which a user joined a room; in
            # a view that was emptied, the next events may be as old as the rooms. Try again.
        for user in new:
            user.settle(self._state.recent.last + 1)
        for one in batch:
            if not one.admitted.done():
                one.admitted.set_result(None)

    async def _ready(self, batch: list[PendingAdmission]) -> list[PendingAdmission]:
        """Those whose position the view has reached; the others are tried again in a moment."""
        if not batch:
            return batch
        reached = await self._hub.lookups.positions(len(self._state.frontier))
        ready: list[PendingAdmission] = []
        behind: list[PendingAdmission] = []
        known: dict[tuple[int, ...], bool] = {}  # many without a cursor have the same position
        for one in batch:
            there = known.get(one.position)
            if there is None:
                there = known[one.position] = _has_reached(reached, one.position)
            (ready if there else behind).append(one)
        if behind and min(reached) == REFILLED:
            ready += (apart := await self._apart(behind, reached))
            behind = [one for one in behind if one not in apart]
        if behind:
            self._postpone(behind, whole=min(reached) > REFILLED)
        return ready

    async def _apart(
        self, batch: list[PendingAdmission], reached: Sequence[int]
    ) -> list[PendingAdmission]:
        """Those whose rooms are not in the partitions whose view is being refilled."""
        possible = [one for one in batch if _has_reached_elsewhere(reached, one.position)]
        names = [one.user.name for one in possible]
        found = await self._hub.lookups.rooms_of_all(names, len(reached)) if possible else None
        if found is None:
            return []
        partition, refilled = self._hub.view.partition, found.refilled
        return [
            one
            for one, rooms in zip(possible, found.rooms, strict=True)
            if not any(partition(room) in refilled for room in rooms)
        ]

    def _postpone(self, batch: list[PendingAdmission], whole: bool) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        again: list[PendingAdmission] = []
        late: list[PendingAdmission] = []
        for one in batch:
            one.deadline = one.deadline or now + TIMEOUT
            (late if one.deadline < now else again).append(one)
        loop.call_later(_RETRY_SECONDS, self._retry, again)
        if late and whole:
            reading = asyncio.create_task(self._compare_with_log(late))
            self._reading_ends.add(reading)
            reading.add_done_callback(self._reading_ends.discard)
        else:
            _fail(late, Unreachable("the view in Valkey is being filled"))

    async def _compare_with_log(self, batch: list[PendingAdmission]) -> None:
        """Find those whose position is beyond the log; the view is complete and does not reach."""
        try:
            async with asyncio.timeout(TIMEOUT):
                ends = await self._log_ends()
        except Exception as error:  # noqa: BLE001 - the pending ones get every error
            log.warning("the log's end is not known", error=repr(error))
            _fail(batch, Unreachable("the view in Valkey is behind a cursor"))
            return
        for one in batch:
            if any(due > end for due, end in zip(one.position, ends, strict=True)):
                _fail([one], BeyondLog("the log ends before this cursor"))
            else:
                _fail([one], Unreachable("the view in Valkey is being filled"))

    def _retry(self, batch: list[PendingAdmission]) -> None:
        self._pending += batch
        if batch:
            self._start()

    async def _follow(self, users: list[User]) -> bool:
        """Subscribe the users' own channels, which tell of rooms that they join; then their rooms.

        The result says whether these are all of their rooms.
        """
        if not users:
            return True
        subscription = self._hub.subscription
        names = [user.name for user in users]
        await subscription.add([keys.user(name).encode() for name in names])
        before = [tuple(user.rooms) for user in users]
        found = await self._hub.lookups.rooms_of_all(names, len(self._state.frontier))
        if found is None:
            return False
        channels: list[bytes] = []
        for user, known, rooms in zip(users, before, found.rooms, strict=True):
            self._enter(user, known, rooms)
            channels += [room.channel for room in user.rooms]
        await subscription.add(channels)
        return True

    def _enter(self, user: User, before: Iterable[Room], rooms: dict[str, int]) -> None:
        """Let these rooms go to the user, and of those that did before no others.

        A message of the user's own channel is newer than what was looked up.
        """
        for room in before:
            if room.name not in rooms:
                self._state.part(user, room)
        if user.left:
            rooms = {name: n for name, n in rooms.items() if not user.has_left(name, n)}
        self._state.registry.follow(user, rooms)

    async def _sync(self, rooms: set[Room]) -> bool:
        """Return when everything published before has come, with the heads of rooms new here.

        The result says whether the view was whole.
        """
        partitions = {room.partition for room in rooms}
        return await self._hub.markers.sync([room for room in rooms if room.n is None], partitions)


def _has_reached(view: Sequence[int], position: Sequence[int]) -> bool:
    """Whether the view of every partition is whole, and stands at the position or beyond."""
    return all(at + 1 >= due for at, due in zip(view, position, strict=True))


def _has_reached_elsewhere(view: Sequence[int], position: Sequence[int]) -> bool:
    """The same, whatever the partitions say whose view is being refilled."""
    pairs = zip(view, position, strict=True)
    return all(at == REFILLED or at + 1 >= due for at, due in pairs)


def _fail(batch: Iterable[PendingAdmission], error: Exception) -> None:
    """Fail the admissions that still wait."""
    if isinstance(error, AWAY) and not isinstance(error, Unreachable):
        error = Unreachable("Valkey does not answer")
    for one in batch:
        if not one.admitted.done():
            one.admitted.set_exception(error)
