"""Reactions to messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app.events import AnyLogEvent, Reacted, ReactionAdded, ReactionRemoved
from app.history.key_sets import pairs
from app.history.schema import reactions

#: The most names listed for an emoji; its count is of all.
MOST_NAMES = 20

_KEY = ["room", "seq", "emoji", "by"]

Found = dict[tuple[str, int], dict[str, Reacted]]


def record(connection: Connection, events: Sequence[AnyLogEvent]) -> None:
    """Store the newest event of each reaction; events may come again, in any order."""
    rows = [
        {
            "room": event.room,
            "seq": event.seq,
            "emoji": event.emoji,
            "by": event.by,
            "n": event.n,
            "removed": isinstance(event, ReactionRemoved),
        }
        for event in events
        # An empty name is that of a forgotten user.
        if isinstance(event, ReactionAdded | ReactionRemoved) and event.by
    ]
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(reactions)
    newer = new.on_conflict_do_update(
        index_elements=_KEY,
        set_={"n": new.excluded.n, "removed": new.excluded.removed},
        where=new.excluded.n > reactions.c.n,
    )
    connection.execute(newer, rows)


def of(connection: Connection, keys: Iterable[tuple[str, int]], reader: str = "") -> Found:
    """The reactions to the messages (room, seq), by emoji in the order of its first reaction.

    With the earliest `MOST_NAMES` names of each emoji, and always `reader`.
    """
    listed = pairs(connection, keys)
    same = and_(reactions.c.room == listed.c.room, reactions.c.seq == listed.c.seq)
    each = [reactions.c.room, reactions.c.seq, reactions.c.emoji]
    ranked = (
        select(
            *(reactions.c[name] for name in (*_KEY, "n")),
            func.count().over(partition_by=each).label("count"),
            func.min(reactions.c.n).over(partition_by=each).label("first"),
            func.row_number().over(partition_by=each, order_by=reactions.c.n).label("place"),
        )
        .join_from(listed, reactions, same)
        .where(reactions.c.removed.is_(False))
        .subquery()
    )
    told = (
        select(*(ranked.c[name] for name in (*_KEY, "count")))
        .where(or_(ranked.c.place <= MOST_NAMES, ranked.c.by == reader))
        .order_by(ranked.c.first, ranked.c.n)
    )
    found: Found = {}
    for room, seq, emoji, by, count in connection.execute(told):
        emojis = found.setdefault((room, seq), {})
        before = emojis[emoji].by if emoji in emojis else ()
        emojis[emoji] = Reacted(count, (*before, by))
    return found
