"""The presence of users, derived from streams that open and close."""

from __future__ import annotations

from collections.abc import Mapping, Set

from msgspec import Struct

#: Milliseconds after the last stream closed for which a user still counts as present: a stream may
#: be rotated, or drop for some seconds.
GRACE_MS = 15_000

#: The most streams of a user that are remembered, the newest.
MOST = 50


class Presence(Struct, frozen=True):
    """The open streams of a user with their edges, and when the last stream closed.

    `version` grows with every change: it is the offset of the record, in a topic that was not made
    anew.
    """

    open: dict[str, str] = {}
    last_ms: int = 0
    version: int = 0


def after(known: Presence | None, what: str, connection: str, edge: str, at_ms: int) -> Presence:
    """The presence after a stream has `opened` or `closed`."""
    known = known or Presence()
    others = {one: where for one, where in known.open.items() if one != connection}
    if what == "opened":
        others = dict(list(others.items())[-(MOST - 1) :])
        return Presence({**others, connection: edge}, known.last_ms, known.version)
    return Presence(others, max(known.last_ms, at_ms), known.version)


def next_version(known: Presence | None, offset: int, end: int | None) -> int:
    """The version of the presence after the record at `offset`, in a topic that ends before `end`.

    A known version that the topic does not reach is of a topic before it, which was made anew. With
    `None` nothing is known of the topic's end.
    """
    if known is not None and end is not None and known.version >= max(end, offset + 1):
        return known.version + 1
    return offset


def status(presence: Presence, alive: Set[str], away: bool, now_ms: int) -> str:
    """`online`, `away` or `offline`; streams of edges that are not `alive` don't count."""
    open_now = any(edge in alive for edge in presence.open.values())
    if not open_now and now_ms - presence.last_ms >= GRACE_MS:
        return "offline"
    return "away" if away else "online"


def may_see(rule: str, mine: Mapping[str, int], theirs: Mapping[str, int]) -> bool:
    """Whether one user may see another: `everyone`, users with common `rooms`, or `nobody`."""
    return rule == "everyone" or (rule == "rooms" and not mine.keys().isdisjoint(theirs.keys()))
