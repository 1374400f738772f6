"""The shapes of what streams and polls bring: events of rooms, and transient states between."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.events import AnyLogEvent, Ruling


class State(msgspec.Struct, kw_only=True, tag_field="kind", omit_defaults=True):
    """A transient state: it has no `n` and no cursor."""


class ReceiptsState(State, kw_only=True, tag="receipts"):
    """The read marks that moved in a room, by user."""

    room: str
    read: dict[str, int]


class UnreadState(State, kw_only=True, tag="unread"):
    """The reader's own mark in a room, and what is above it."""

    room: str
    read: int
    unread: int
    mentions: int


class TypingState(State, kw_only=True, tag="typing"):
    """Somebody types; good for five seconds."""

    room: str
    user: str


class VerdictState(State, kw_only=True, tag="verdict"):
    """The outcome of a command of the reader's own that was answered with 202."""

    room: str
    id: str
    client_id: str
    status: Literal["refused", "held"]
    code: str = ""
    detail: str = ""
    verdict: Ruling | None = None


class ReviewState(State, kw_only=True, tag="review"):
    """A moderator's decision on a held message of the reader's own."""

    room: str
    client_id: str
    action: Literal["approve", "reject"]
    reason: str


class ResetState(State, kw_only=True, tag="reset"):
    """These rooms can't be resumed: load their members and their history anew."""

    rooms: list[str]


AnyState = ReceiptsState | UnreadState | TypingState | VerdictState | ReviewState | ResetState

#: The data of an event without a name, and an entry of a poll's answer.
Delivered = AnyLogEvent | AnyState


class Hello(msgspec.Struct):
    """The first event of a stream: its rooms, and whether it begins exactly at the cursor."""

    user: str
    recovered: bool
    cursor: str
    rooms: list[str]


class Ping(msgspec.Struct):
    """The stream is alive."""


class Goodbye(msgspec.Struct):
    """The last event of a stream, and why it ends. Come back after `retry` milliseconds."""

    code: str
    reason: str


class Poll(msgspec.Struct):
    """The events since the cursor that was given, and the cursor for the next poll."""

    events: list[Delivered]
    cursor: str
    recovered: bool
    has_more: bool
