"""A poll that comes again: a client's next request differs from its last by the cursor alone."""

from __future__ import annotations


class Repeated:
    """A poll as bytes, cut where its cursor is: a client's next one differs there alone."""

    __slots__ = ("after", "before", "end", "era", "expires_at", "limit", "start", "timeout")

    def __init__(
        self, before: bytes, after: bytes, timeout: float, limit: int, expires_at: float, era: int
    ) -> None:
        self.before, self.start = before, len(before)
        self.after, self.end = after, -len(after)
        self.timeout = timeout
        self.limit = limit
        self.expires_at = expires_at
        self.era = era

    def waits(self, now: float) -> float:
        """Seconds that it waits: no longer than it is known who asks."""
        return min(self.timeout, self.expires_at - now)

    def cursor_of(self, data: bytes) -> str | None:
        """The cursor of a request that is this poll but for it; `None` for any other."""
        if data.startswith(self.before) and data.endswith(self.after):
            return data[self.start : self.end].decode("latin-1")
        return None


def repeated(
    raw: bytes, cursor: str, timeout: float, limit: int, expires_at: float, era: int
) -> Repeated | None:
    """How a poll looks but for its cursor, where that can be told by looking."""
    mark = f"cursor={cursor}".encode("latin-1", "replace")
    if raw.count(mark) != 1:
        return None
    before, after = raw.split(mark)
    if after[:1] not in (b"&", b" ") or before[-1:] not in (b"?", b"&"):
        return None
    return Repeated(before + b"cursor=", after, timeout, limit, expires_at, era)
