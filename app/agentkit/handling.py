"""The handling of an agent's events, in the thread of its handlers.

Events of a room are handled one after the other. While a coroutine of one room waits for a service
outside, the events of other rooms go on; what it asked for settles when it has returned.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from app.agentkit.cause import Calls, Rates
from app.agentkit.declaration import Agent
from app.agentkit.effects import Effects, Entries, Scope
from app.agentkit.machine import Machine, Outcome, Step
from app.agentkit.occasion import Occasion
from app.agentkit.timers import Timers
from app.kafka.record import Record

#: Events that wait over all rooms; at this number no more are taken.
MAX_WAITING: Final = 5_000

#: The most timers of a turn: events come in between.
_TIMERS: Final = 500


class Item(NamedTuple):
    """An occasion, and the record that it is of; none for a timer."""

    record: Record | None
    occasion: Occasion


class Done(NamedTuple):
    """The outcome of an item; `held` if it comes in a later turn than its record."""

    record: Record | None
    outcome: Outcome
    held: bool
    ticket: int


class Turn(NamedTuple):
    """What a turn has brought: outcomes in order, records that wait, and the next timer's time."""

    done: Sequence[Done]
    held: Sequence[Record]
    next_due_ms: int | None


class UnsettledEntries:
    """The table with the writes of outcomes that have not settled yet, by ticket."""

    def __init__(self, stored: Entries) -> None:
        self._stored = stored
        self._writes: dict[str, tuple[int, bytes | None]] = {}

    def get(self, scope: Scope, key: str) -> bytes | None:
        """The value of a key."""
        known = self._writes.get(key)
        return self._stored.get(scope, key) if known is None else known[1]

    def prefixed(self, scope: Scope, prefix: str) -> Iterator[tuple[str, bytes]]:
        """The keys that begin so, in order, with their values."""
        found: dict[str, bytes | None] = dict(self._stored.prefixed(scope, prefix))
        found |= {key: raw for key, (_, raw) in self._writes.items() if key.startswith(prefix)}
        return ((key, raw) for key, raw in sorted(found.items()) if raw is not None)

    def add(self, outcome: Outcome, ticket: int) -> None:
        """Take the writes of an outcome."""
        for key, raw in outcome.effects.writes.items():
            self._writes[key] = ticket, raw

    def settled(self, ticket: int) -> None:
        """Drop the writes up to a ticket: the table has them."""
        if self._writes:
            left = {key: one for key, one in self._writes.items() if one[0] > ticket}
            self._writes = left

    def clear(self) -> None:
        """Drop all."""
        self._writes.clear()


class Handling:
    """An agent's rooms: those at rest, and those that wait for a coroutine.

    `wake` is called, in the handlers' thread, when an outcome is there that no turn has taken.
    """

    def __init__(
        self,
        agent: Agent[Any],
        stored: Entries,
        rates: Rates,
        calls: Calls,
        wake: Callable[[int], None],
        partition_of: Callable[[str], int],
    ) -> None:
        self._entries = UnsettledEntries(stored)
        self._machine = Machine(agent, self._entries, rates, calls)
        self._timers = Timers()
        self._wake = wake
        self._partition_of = partition_of
        #: Rooms that wait, and what waits behind their first.
        self._busy: dict[Scope, deque[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._fewer = asyncio.Event()
        self._done: list[Done] = []
        self._ticket = 0

    async def turn(
        self, items: Sequence[Item], settled: int, timers_until: int | None, mine: frozenset[int]
    ) -> Turn:
        """Handle items, and with `timers_until` the timers that are due by then.

        `settled` is the last ticket that the table has. Timers are those of the partitions `mine`.
        """
        while self._waiting >= MAX_WAITING:
            self._fewer.clear()
            await self._fewer.wait()
        self._entries.settled(settled)
        held: list[Record] = []
        for item in items:
            steps = self._machine.steps(item.occasion)
            if steps is None:
                continue
            self._fire_before(item.occasion)
            if not self._take(item, steps) and item.record is not None:
                held.append(item.record)
        if timers_until is not None:
            self._fire_until(timers_until, mine)
        done, self._done = self._done, []
        due = self._timers.next_due(self._busy.__contains__)
        return Turn(done, held, None if due is None else due.entry.due_ms)

    async def load(self, timers: Iterable[tuple[str, bytes]]) -> None:
        """Take the stored timers of partitions that are at hand now."""
        for key, raw in timers:
            self._timers.load(key, raw)

    async def begin(self) -> None:
        """Forget everything that is under way: the partitions may be others."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._busy.clear()
        self._done.clear()
        self._waiting = 0
        self._fewer.set()
        self._entries.clear()
        self._machine.forget()
        self._timers.clear()

    def _fire_before(self, occasion: Occasion) -> None:
        """Handle the room's timers that are due before the event."""
        while occasion.scope not in self._busy:
            due = self._timers.due_before(occasion.scope, occasion.at_ms)
            if due is None:
                return
            self._fire(self._machine.timer_occasion(due, occasion.at_ms))

    def _fire_until(self, now_ms: int, mine: frozenset[int]) -> None:
        def skip(scope: Scope) -> bool:
            return scope in self._busy or self._partition_of(scope.key) not in mine

        for _ in range(_TIMERS):
            due = self._timers.next_due(skip)
            if due is None or due.entry.due_ms > now_ms:
                return
            self._fire(self._machine.timer_occasion(due, now_ms))

    def _fire(self, occasion: Occasion) -> None:
        self._take(Item(None, occasion), self._machine.steps(occasion) or [])

    def _take(self, item: Item, steps: list[Step]) -> bool:
        """Handle an item; `False` where its room waits."""
        scope = item.occasion.scope
        if (queue := self._busy.get(scope)) is not None:
            queue.append(item)
            self._waiting += 1
            return False
        if self._machine.is_done(item.occasion):
            return True
        if not any(step.handler.waits for step in steps):
            self._finish(item, self._machine.run(item.occasion, steps), held=False)
            return True
        self._busy[scope] = deque()
        self._waiting += 1
        task = asyncio.create_task(self._run_room(scope, item, steps))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return False

    async def _run_room(self, scope: Scope, item: Item, steps: list[Step]) -> None:
        """Handle an item that waits, and then those behind it."""
        queue = self._busy[scope]
        following: Item | None = item
        while following is not None:
            found = steps if following is item else self._machine.steps(following.occasion) or []
            if self._machine.is_done(following.occasion):
                outcome = Outcome(following.occasion, Effects())
            else:
                outcome = await self._machine.run_waiting(following.occasion, found)
            self._waiting -= 1
            self._fewer.set()
            self._finish(following, outcome, held=True)
            self._wake(self._partition_of(scope.key))
            following = queue.popleft() if queue else None
        del self._busy[scope]

    def _finish(self, item: Item, outcome: Outcome, *, held: bool) -> None:
        self._ticket += 1
        self._entries.add(outcome, self._ticket)
        self._timers.apply(outcome.effects)
        if held or outcome.effects or outcome.failure:
            self._done.append(Done(item.record, outcome, held, self._ticket))
