"""An agent's table in memory, for tests and for replays that are thrown away."""

from __future__ import annotations

from collections.abc import Iterator

from app.agentkit.effects import Effects, Scope


class MemoryEntries:
    """Encoded values by key."""

    def __init__(self, values: dict[str, bytes] | None = None) -> None:
        self.values = {} if values is None else values

    def get(self, scope: Scope, key: str) -> bytes | None:  # noqa: ARG002 - as `Entries`
        """The value of a key."""
        return self.values.get(key)

    def prefixed(self, scope: Scope, prefix: str) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002
        """The keys that begin so, in order."""
        return iter(sorted(pair for pair in self.values.items() if pair[0].startswith(prefix)))

    def apply(self, effects: Effects) -> None:
        """Take the writes of an event."""
        for key, raw in effects.writes.items():
            if raw is None:
                self.values.pop(key, None)
            else:
                self.values[key] = raw

    def copy(self) -> MemoryEntries:
        """The same values, apart from these."""
        return MemoryEntries(dict(self.values))
