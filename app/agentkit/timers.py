"""The timers of the partitions at hand, in the order in which they are due.

The table has them; this is its index by time. A room's timers are due in the room's own time: those
before an event's time come before the event, also when the events of a whole night are caught up.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, NamedTuple

from app.agentkit.agent_events import TimerEntry
from app.agentkit.effects import TIMER, Effects, Scope, decoded_timer, scope_of

#: The beginning of the keys of timers in an agent's table.
TIMER_KEYS: Final = f"{TIMER}\0"


class DueTimer(NamedTuple):
    """A timer: its scope and id, and its entry."""

    scope: Scope
    name: str
    entry: TimerEntry


class Timers:
    """Timers by scope, indexed by time."""

    def __init__(self) -> None:
        self._entries: dict[Scope, dict[str, TimerEntry]] = {}
        #: (due, scope, name): an item whose timer is another by now is skipped.
        self._heap: list[tuple[int, Scope, str]] = []

    def load(self, key: str, raw: bytes) -> None:
        """Take a timer of the table."""
        _, scope, name = scope_of(key)
        entry = decoded_timer(raw)
        self._entries.setdefault(scope, {})[name] = entry
        heappush(self._heap, (entry.due_ms, scope, name))

    def apply(self, effects: Effects) -> None:
        """Take the timers that effects set or remove."""
        if not effects.timers:
            return
        for key, raw in effects.writes.items():
            if not key.startswith(TIMER_KEYS):
                continue
            if raw is not None:
                self.load(key, raw)
            else:
                _, scope, name = scope_of(key)
                self._remove(scope, name)

    def due_before(self, scope: Scope, at_ms: int) -> DueTimer | None:
        """The first timer of a scope that is due by a time."""
        entries = self._entries.get(scope)
        if not entries:
            return None
        name = min(entries, key=lambda one: (entries[one].due_ms, one))
        entry = entries[name]
        return DueTimer(scope, name, entry) if entry.due_ms <= at_ms else None

    def next_due(self, skip: Callable[[Scope], bool] = lambda _: False) -> DueTimer | None:
        """The first timer of all scopes but those to skip."""
        skipped = []
        found = None
        while self._heap:
            due_ms, scope, name = self._heap[0]
            entry = self._entries.get(scope, {}).get(name)
            if entry is None or entry.due_ms != due_ms:
                heappop(self._heap)
                continue
            if not skip(scope):
                found = DueTimer(scope, name, entry)
                break
            skipped.append(heappop(self._heap))
        for item in skipped:
            heappush(self._heap, item)
        return found

    def clear(self) -> None:
        """Forget everything: the partitions are others."""
        self._entries.clear()
        self._heap.clear()

    def _remove(self, scope: Scope, name: str) -> None:
        entries = self._entries.get(scope)
        if entries is not None:
            entries.pop(name, None)
            if not entries:
                del self._entries[scope]
