"""Rooms in which things happen, made up by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from app.events import (
    AnyLogEvent,
    Attachment,
    MemberAdded,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
    encode,
)
from app.history.entry import Entry
from tests.history.recount import Naive

PEOPLE = ("ann", "ben", "陳")
EMOJIS = ("👍", "🎉")

#: What is done, by whom, and a number that says to which message and with which emoji.
DEED = st.tuples(
    st.sampled_from(["say", "say", "reply", "edit", "delete", "react", "unreact", "join"]),
    st.sampled_from(PEOPLE),
    st.integers(0, 11),
)
DEEDS = st.lists(DEED, min_size=1, max_size=25)


def story(room: str, deeds: list[tuple[str, str, int]]) -> list[AnyLogEvent]:
    """The log of a room in which this was tried; what the rules refuse is not in it."""
    log: list[AnyLogEvent] = []
    for what, who, which in deeds:
        common = {
            "room": room,
            "n": len(log) + 1,
            "by": who,
            "at_ms": 1000 + len(log) // 2,
            "id": f"e{len(log) + 1}",
            "client_id": f"secret {who}",
        }
        event = _DEEDS[what](common, which, Naive(log))
        if event is not None:
            log.append(event)
    return log


def entries_of(log: list[AnyLogEvent]) -> list[Entry]:
    return [Entry.of(event, encode(event)) for event in log]


Common = dict[str, Any]


def _say(common: Common, which: int, naive: Naive) -> AnyLogEvent:
    seq = len(naive.messages) + 1
    rich = {"meta": {"k": which}, "attachments": (Attachment(url="https://x/y"),)}
    text = f"message {common['n']} for @ben" if which % 3 == 0 else f"message {common['n']}"
    mentions = ("ben",) if which % 3 == 0 else ()
    return MessageCreated(
        seq=seq, text=text, mentions=mentions, **(rich if which % 2 else {}), **common
    )


def _reply(common: Common, which: int, naive: Naive) -> AnyLogEvent | None:
    roots = [message for message in naive.messages if "thread" not in message]
    if not roots:
        return None
    root = roots[which % len(roots)]["seq"]
    text = f"reply {common['n']}"
    return MessageCreated(seq=len(naive.messages) + 1, text=text, thread=root, **common)


def _edit(common: Common, which: int, naive: Naive) -> AnyLogEvent | None:
    message = naive.standing(which)
    if message is None:
        return None
    mentions = ("ann",) if which % 2 else ()
    return MessageEdited(
        seq=message["seq"], of=message["n"], text=f"edit {common['n']}", mentions=mentions, **common
    )


def _delete(common: Common, which: int, naive: Naive) -> AnyLogEvent | None:
    message = naive.standing(which)
    return message and MessageDeleted(seq=message["seq"], of=message["n"], **common)


def _react(common: Common, which: int, naive: Naive) -> AnyLogEvent | None:
    message, emoji = naive.standing(which), EMOJIS[which % 2]
    if message is None or common["by"] in _under(message, emoji):
        return None
    return ReactionAdded(seq=message["seq"], emoji=emoji, **common)


def _unreact(common: Common, which: int, naive: Naive) -> AnyLogEvent | None:
    for message in naive.messages:
        for emoji in message.get("reactions", {}):
            if common["by"] in _under(message, emoji):
                return ReactionRemoved(seq=message["seq"], emoji=emoji, **common)
    return None


def _under(message: dict[str, Any], emoji: str) -> list[str]:
    return list(message.get("reactions", {}).get(emoji, {}).get("by", ()))


def _join(common: Common, which: int, naive: Naive) -> AnyLogEvent:
    return MemberAdded(user=f"u{which}", role="member", **common)


_DEEDS: dict[str, Callable[[Common, int, Naive], AnyLogEvent | None]] = {
    "say": _say,
    "reply": _reply,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "unreact": _unreact,
    "join": _join,
}
