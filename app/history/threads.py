"""Threads: the replies to a message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from app.history.key_sets import pairs
from app.history.schema import messages


class Thread(NamedTuple):
    """The number of replies that are not deleted, and the `seq` and the time of the newest."""

    replies: int
    last_reply_seq: int
    last_reply_ms: int


def of(connection: Connection, roots: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Thread]:
    """The threads of those messages (room, seq) that have a reply."""
    listed = pairs(connection, roots)
    same = (messages.c.room == listed.c.room) & (messages.c.thread == listed.c.seq)
    newest = (func.max(messages.c.seq), func.max(messages.c.at_ms))
    counted = (
        select(messages.c.room, messages.c.thread, func.count(), *newest)
        .join_from(listed, messages, same)
        .where(messages.c.deleted.is_(False))
        .group_by(messages.c.room, messages.c.thread)
    )
    found = connection.execute(counted)
    return {(room, root): Thread(*thread) for room, root, *thread in found}
