"""The pace of a user: times and digests of the latest messages."""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

#: The most messages that are remembered for a user in a room, and for a user over all rooms.
MOST = 60


class Pace(Struct, frozen=True, omit_defaults=True):
    """Times in milliseconds, the newest last, and digests of the folded texts.

    `srcs` are the places of their records: origin and offset as one number, which only grows. The
    oldest may have none.
    """

    times: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()
    srcs: tuple[int, ...] = ()


def after(pace: Pace, at_ms: int, text: str = "", src: int = -1) -> Pace:
    """The pace with one more message."""
    return Pace(
        (*pace.times, at_ms)[-MOST:],
        (*pace.texts, digest(text))[-MOST:],
        (*pace.srcs, src)[-MOST:],
    )


def before(pace: Pace, src: int) -> Pace:
    """The pace before the record at `src`, which comes again after a crash."""
    if not counts(pace, src):
        return pace
    later = sum(known >= src for known in pace.srcs)
    return Pace(pace.times[:-later], pace.texts[:-later], pace.srcs[:-later])


def counts(pace: Pace, src: int) -> bool:
    """Whether the record at `src` is or was counted in the pace."""
    return bool(pace.srcs) and pace.srcs[-1] >= src


def digest(text: str) -> int:
    """A short digest of a folded text; 0 for none."""
    raw = blake2b(" ".join(text.split()).encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(raw) if text else 0


def within(times: tuple[int, ...], at_ms: int, seconds: float) -> int:
    """How many of the times are within the last `seconds`."""
    return sum(at_ms - time < seconds * 1000 for time in times)
