"""The pace of a user: times of the latest messages, edits and reactions, digests of messages."""

from __future__ import annotations

from hashlib import blake2b

from msgspec import Struct

#: The most messages, and the most edits and reactions, that are remembered for a user in a room,
#: and the most of both for a user over all rooms.
MOST = 60

#: The most reactions of a user in a room within so many seconds, under any rules. Each can be
#: removed and added again, and every time is an event in the window of the room.
REACTIONS = 30
REACTION_SECONDS = 60


class Pace(Struct, frozen=True, omit_defaults=True):
    """Times in milliseconds, the newest last, and digests of the folded texts.

    `srcs` are the places of their records: origin and offset as one number, which only grows. The
    oldest may have none. `acts` are the times of edits and reactions, and `act_srcs` the places of
    theirs: apart, so that they don't push messages out.
    """

    times: tuple[int, ...] = ()
    texts: tuple[int, ...] = ()
    srcs: tuple[int, ...] = ()
    acts: tuple[int, ...] = ()
    act_srcs: tuple[int, ...] = ()


def after(pace: Pace, at_ms: int, text: str = "", src: int = -1) -> Pace:
    """The pace with one more message."""
    return Pace(
        (*pace.times, at_ms)[-MOST:],
        (*pace.texts, digest(text))[-MOST:],
        (*pace.srcs, src)[-MOST:],
        pace.acts,
        pace.act_srcs,
    )


def after_act(pace: Pace, at_ms: int, src: int) -> Pace:
    """The pace with one more edit or reaction."""
    acts, act_srcs = (*pace.acts, at_ms)[-MOST:], (*pace.act_srcs, src)[-MOST:]
    return Pace(pace.times, pace.texts, pace.srcs, acts, act_srcs)


def before(pace: Pace, src: int) -> Pace:
    """The pace before the record at `src`, which comes again after a crash."""
    if not counts(pace, src):
        return pace
    kept = len(pace.times) - sum(known >= src for known in pace.srcs)
    of_srcs = len(pace.srcs) - len(pace.times) + kept
    acts = sum(known < src for known in pace.act_srcs)
    return Pace(
        *(pace.times[:kept], pace.texts[:kept], pace.srcs[:of_srcs]),
        *(pace.acts[:acts], pace.act_srcs[:acts]),
    )


def counts(pace: Pace, src: int) -> bool:
    """Whether the record at `src` is or was counted in the pace."""
    return max((*pace.srcs[-1:], *pace.act_srcs[-1:]), default=-1) >= src


def hurried(pace: Pace, at_ms: int) -> bool:
    """Whether a further reaction would be too many."""
    return within(pace.acts, at_ms, REACTION_SECONDS) >= REACTIONS


def digest(text: str) -> int:
    """A short digest of a folded text; 0 for none."""
    raw = blake2b(" ".join(text.split()).encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(raw) if text else 0


def within(times: tuple[int, ...], at_ms: int, seconds: float) -> int:
    """How many of the times are within the last `seconds`."""
    return sum(at_ms - time < seconds * 1000 for time in times)
