"""A repeated poll: a client's next request differs from its last one by the cursor alone."""

from __future__ import annotations


class PollTemplate:
    """A poll as bytes, cut at its cursor, with what was found out about it.

    `timeout` is in seconds, `expires_at` the Unix time at which token or ticket ends, `generation`
    the authenticator's when it was verified.
    """

    __slots__ = (
        *("after", "before", "end", "expires_at", "generation", "limit", "start", "timeout"),
    )

    def __init__(
        self,
        before: bytes,
        after: bytes,
        timeout: float,
        limit: int,
        expires_at: float,
        generation: int,
    ) -> None:
        self.before, self.start = before, len(before)
        self.after, self.end = after, -len(after)
        self.timeout = timeout
        self.limit = limit
        self.expires_at = expires_at
        self.generation = generation

    def wait_seconds(self, now: float) -> float:
        """Seconds that the poll may wait: its timeout, but not beyond `expires_at`."""
        return min(self.timeout, self.expires_at - now)

    def cursor_of(self, data: bytes) -> str | None:
        """The cursor of a request that equals this poll otherwise; `None` for any other."""
        if data.startswith(self.before) and data.endswith(self.after):
            return data[self.start : self.end].decode("latin-1")
        return None


def poll_template(
    raw: bytes, cursor: str, timeout: float, limit: int, expires_at: float, generation: int
) -> PollTemplate | None:
    """The template of a poll; `None` where its cursor does not stand plainly in the query."""
    mark = f"cursor={cursor}".encode("latin-1", "replace")
    if raw.count(mark) != 1:
        return None
    before, after = raw.split(mark)
    if after[:1] not in (b"&", b" ") or before[-1:] not in (b"?", b"&"):
        return None
    return PollTemplate(before + b"cursor=", after, timeout, limit, expires_at, generation)
