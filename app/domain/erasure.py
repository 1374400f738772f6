"""Events without what forgotten people said, for every copy of the log that is filled again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from app.events import AnyLogEvent, MessageCreated, MessageEdited


class Extent(NamedTuple):
    """Which of a person's words are erased.

    Those at a position below `ends[partition]` of `chat.log`, whatever the clocks said; and those
    up to `until_ms`, as erasures of before have it, which know no positions. What moderation has
    recorded of them has no position in that log, and goes by `asked_ms`.
    """

    until_ms: int = -1
    ends: tuple[int, ...] = ()
    asked_ms: int = -1

    def covers(self, partition: int, pos: int, at_ms: int) -> bool:
        """Whether words at this position and of this time are erased."""
        return at_ms <= self.until_ms or pos < self.end(partition)

    def end(self, partition: int) -> int:
        """The position in the partition below which words are erased."""
        return self.ends[partition] if partition < len(self.ends) else 0

    def joined(self, other: Extent) -> Extent:
        """What either of the two erases."""
        partitions = range(max(len(self.ends), len(other.ends)))
        ends = tuple(max(self.end(place), other.end(place)) for place in partitions)
        asked_ms = max(self.asked_ms, other.asked_ms)
        return Extent(max(self.until_ms, other.until_ms), ends, asked_ms)


#: Forgotten people, each with the extent of their erasure.
Erased = Mapping[str, Extent]


class Placed(NamedTuple):
    """A log event with its position in `chat.log`."""

    partition: int
    pos: int
    event: AnyLogEvent


def without_erased(placed: Placed, erased: Erased, gone: set[tuple[str, int]]) -> AnyLogEvent:
    """The event without the words of forgotten people; the same object where it has none.

    `gone` are the erased messages (room, seq) of earlier events, whose edits are emptied by whoever
    they are; a message that this call erases is added.
    """
    partition, pos, event = placed
    if isinstance(event, MessageCreated):
        extent = erased.get(event.by)
        if extent is not None and extent.covers(partition, pos, event.at_ms):
            gone.add((event.room, event.seq))
            return erased_message(event)
    if isinstance(event, MessageEdited) and (event.room, event.seq) in gone:
        return _emptied(event)
    return event


def erased_message(event: MessageCreated) -> MessageCreated:
    """A message that is shown as deleted, without an author."""
    nothing = {"text": "", "attachments": (), "meta": {}, "mentions": (), "everyone": False}
    nothing |= {"shadow": None, "edited_ms": 0, "edited_by": ""}
    return replace(event, by="", client_id="", deleted=True, **nothing)


def without_older(event: AnyLogEvent, before_ms: int) -> AnyLogEvent:
    """The event without its words if it is older; the same object where it is not, or has none."""
    if event.at_ms >= before_ms:
        return event
    if isinstance(event, MessageCreated):
        return event if event.deleted else erased_message(event)
    return _emptied(event) if isinstance(event, MessageEdited) else event


def _emptied(event: MessageEdited) -> MessageEdited:
    return replace(event, client_id="", text="", mentions=(), shadow=None)


def extents(given: Sequence[tuple[str, Extent]]) -> dict[str, Extent]:
    """The extents by person, where a person may have been forgotten several times."""
    found: dict[str, Extent] = {}
    for user, extent in given:
        found[user] = found.get(user, Extent()).joined(extent)
    return found
