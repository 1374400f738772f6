"""Calls: what is to be sent to an absent member of a room, and what becomes of it.

Messages of a room that come while a call waits are one call with it: the newest one counts.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

from app.domain import circuit_breaker
from app.domain.versioned_value import version_of
from app.events import Position

#: Milliseconds after its message for which a call is tried, and for which push services keep it.
TRIED_MS: Final = 60 * 60 * 1000
KEPT_MS: Final = 24 * 60 * 60 * 1000


class Call(Struct, frozen=True, array_like=True):
    """A call that waits: of a message at a position of the log, and those before it since `first`.

    `n` and `seq` are the message's, `first` the `seq` of the first message of the call. It is due
    at `due_ms`. `tries` counts failed attempts, and then `left` has the ids of the subscriptions
    that did not get it.
    """

    epoch: int
    pos: int
    n: int
    seq: int
    first: int
    at_ms: int
    due_ms: int
    mentioned: bool = False
    tries: int = 0
    left: tuple[str, ...] = ()

    @property
    def version(self) -> int:
        """The version in the table of the call, which grows with the log."""
        return version_of(self.epoch, 2 * self.pos)

    @property
    def end_version(self) -> int:
        """The version of its removal, below that of every later call."""
        return self.version + 1


class Seen(Struct, frozen=True):
    """A member when a call is due, and whether its newest message is deleted.

    `read` is the `seq` up to which the member has read; `muted`, that the member does not want to
    be called of this now; `banned`, that the member may read nothing anywhere.
    """

    member: bool
    absent: bool
    muted: bool
    read: int
    deleted: bool = False
    banned: bool = False


class Fate(Enum):
    """What becomes of a call that is due."""

    SENT = "sent"
    WITHDRAWN = "withdrawn"


def begun(
    known: Call | None,
    position: Position,
    n: int,
    seq: int,
    at_ms: int,
    due_ms: int,
    mentioned: bool,
) -> Call:
    """The call of a message: with `known`, one call with that which waits, due when it was."""
    if known is None:
        return Call(*position, n, seq, seq, at_ms, due_ms, mentioned)
    return Call(*position, n, seq, known.first, at_ms, known.due_ms, mentioned or known.mentioned)


def fate(call: Call, seen: Seen, now_ms: int) -> Fate:
    """What becomes of a call that is due."""
    gone = seen.deleted and max(seen.read + 1, call.first) >= call.seq
    old = now_ms - call.at_ms > KEPT_MS
    may_read = seen.member and not seen.banned
    wants = seen.absent and not seen.muted and seen.read < call.seq
    return Fate.SENT if may_read and wants and not gone and not old else Fate.WITHDRAWN


def failed(call: Call, left: tuple[str, ...], now_ms: int, wait_ms: int) -> Call | None:
    """The call after an attempt that these subscriptions did not take; `None`: it is given up.

    `wait_ms` is the pause that a push service asks for.
    """
    if now_ms - call.at_ms > TRIED_MS or not left:
        return None
    tries = call.tries + 1
    pause = max(wait_ms, round(circuit_breaker.pause(tries) * 1000))
    return Call(
        call.epoch,
        call.pos,
        call.n,
        call.seq,
        call.first,
        call.at_ms,
        now_ms + pause,
        call.mentioned,
        tries,
        left,
    )
