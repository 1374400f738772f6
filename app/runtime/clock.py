"""The wall clock, in the unit of every `at_ms` field."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def iso_of(at_ms: int) -> str:
    """That time in UTC, to the second, as ISO 8601."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()
