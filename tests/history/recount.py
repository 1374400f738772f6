"""The messages of a room after its log, computed naively."""

from __future__ import annotations

from typing import Any

from app.events import (
    AnyLogEvent,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)


def as_now(log: list[AnyLogEvent]) -> list[dict[str, Any]]:
    """The messages as they are to be shown after this log."""
    return Naive(log).messages


class Naive:
    def __init__(self, log: list[AnyLogEvent]) -> None:
        self.log = log
        self.messages: list[dict[str, Any]] = []
        for event in log:
            self._follow(event)

    def standing(self, which: int) -> dict[str, Any] | None:
        """A message that can be edited or deleted."""
        there = [message for message in self.messages if "deleted" not in message]
        return there[which % len(there)] if there else None

    def _follow(self, event: AnyLogEvent) -> None:
        match event:
            case MessageCreated():
                self._say(event)
            case MessageEdited():
                self._edit(self.messages[event.seq - 1], event)
            case MessageDeleted():
                self._delete(self.messages[event.seq - 1], event)
            case ReactionAdded():
                reactions = self.messages[event.seq - 1].setdefault("reactions", {})
                under = reactions.setdefault(event.emoji, {"count": 0, "by": []})
                under["by"].append(event.by)
                under["count"] += 1
            case ReactionRemoved():
                reactions = self.messages[event.seq - 1]["reactions"]
                under = reactions[event.emoji]
                under["by"].remove(event.by)
                under["count"] -= 1
                if not under["by"]:
                    del reactions[event.emoji]
                if not reactions:
                    del self.messages[event.seq - 1]["reactions"]

    def _say(self, event: MessageCreated) -> None:
        message = {
            "kind": "message.created",
            "room": event.room,
            "n": event.n,
            "by": event.by,
            "at_ms": event.at_ms,
            "id": event.id,
            "client_id": event.client_id,
            "seq": event.seq,
            "text": event.text,
        }
        if event.thread:
            message["thread"] = event.thread
        if event.mentions:
            message["mentions"] = list(event.mentions)
        if event.attachments:
            message["attachments"] = [{"url": one.url} for one in event.attachments]
        if event.meta:
            message["meta"] = event.meta
        self.messages.append(message)
        self._count(event.thread)

    def _edit(self, message: dict[str, Any], event: MessageEdited) -> None:
        message |= {"text": event.text, "edited_ms": event.at_ms}
        message.pop("edited_by", None)
        if event.by != message["by"]:
            message["edited_by"] = event.by
        message.pop("mentions", None)
        if event.mentions:
            message["mentions"] = list(event.mentions)

    def _delete(self, message: dict[str, Any], event: MessageDeleted) -> None:
        for name in ("mentions", "attachments", "meta", "reactions", "edited_ms", "edited_by"):
            message.pop(name, None)
        message |= {"text": "", "deleted": True}
        self._count(message.get("thread", 0))

    def _count(self, root: int) -> None:
        if not root:
            return
        in_thread = [message for message in self.messages if message.get("thread") == root]
        replies = [message for message in in_thread if "deleted" not in message]
        for name in ("replies", "last_reply_seq", "last_reply_ms"):
            self.messages[root - 1].pop(name, None)
        if replies:
            self.messages[root - 1] |= {
                "replies": len(replies),
                "last_reply_seq": max(message["seq"] for message in replies),
                "last_reply_ms": max(message["at_ms"] for message in replies),
            }
