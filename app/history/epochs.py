"""The epochs of `chat.log` that the store knows, and which it has been cut for.

A partition of the log that lost its end begins an epoch. The store then has events that are no part
of the log any more, and others take their numbers. So it is told of the epoch first, and from then
on takes no such event. When it has been cut (app/history/log_cut.py), that is noted, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, func, insert, select, text, update

from app.history.entry import Entry
from app.history.forgotten import who
from app.history.schema import archived, epochs, forgotten_ends

#: An epoch and the `pos` that it begins at.
Begun = tuple[int, int]


def announce(
    connection: Connection, partition: int, begun: Sequence[Begun], erased: Mapping[str, int]
) -> int | None:
    """Take no event any more that an epoch has cut off; where the store is to be cut, or `None`.

    `erased` has, by forgotten user, the position below which the user's words are erased: those
    that were erased before the epoch have another end now.
    """
    if connection.dialect.name != "sqlite":
        # Waits for transactions that append and have read this table before: their rows are visible
        # to the cut.
        connection.execute(text("LOCK TABLE parley_epochs IN ACCESS EXCLUSIVE MODE"))
    here = epochs.c.partition == partition
    known = set(connection.scalars(select(epochs.c.epoch).where(here)))
    new = [
        {"partition": partition, "epoch": epoch, "start": start, "cut": False}
        for epoch, start in begun
        if epoch not in known
    ]
    if new:
        connection.execute(insert(epochs), new)
    start = connection.scalar(select(func.min(epochs.c.start)).where(here, epochs.c.cut.is_(False)))
    if start is None:
        return None
    beyond = (archived.c.partition == partition) & (archived.c.upto > start)
    connection.execute(update(archived).where(beyond).values(upto=start))
    if new:
        _move_erasures(connection, partition, {who(user): upto for user, upto in erased.items()})
    return int(start)


def _move_erasures(connection: Connection, partition: int, ends: Mapping[str, int]) -> None:
    here = forgotten_ends.c.partition == partition
    for name, upto in connection.execute(
        select(forgotten_ends.c.who, forgotten_ends.c.upto).where(here)
    ).all():
        if (now := ends.get(name, upto)) < upto:
            theirs = here & (forgotten_ends.c.who == name)
            connection.execute(update(forgotten_ends).where(theirs).values(upto=now))


def is_due(connection: Connection, partition: int) -> bool:
    """Whether the partition is to be cut."""
    due = select(epochs.c.epoch).where(epochs.c.partition == partition, epochs.c.cut.is_(False))
    return connection.scalar(due.limit(1)) is not None


def note_cut(connection: Connection, partition: int, epoch: int) -> None:
    """Note that nothing is left of what epochs up to this one have cut off."""
    done = (epochs.c.partition == partition) & (epochs.c.epoch <= epoch)
    connection.execute(update(epochs).where(done).values(cut=True))


def cut_for(connection: Connection) -> dict[int, int]:
    """The epoch that each partition was last cut for; none for a partition of the first epoch."""
    newest = select(epochs.c.partition, func.max(epochs.c.epoch)).where(epochs.c.cut)
    return dict(connection.execute(newest.group_by(epochs.c.partition)).all())


def without_lost(connection: Connection, entries: Iterable[Entry]) -> list[Entry]:
    """The entries without those that are no part of the log any more.

    To be read before any room is locked: see `announce`.
    """
    known = connection.execute(select(epochs.c.partition, epochs.c.epoch, epochs.c.start)).all()
    if not known:
        return list(entries)
    return [entry for entry in entries if not any(_is_lost(entry, *one) for one in known)]


def _is_lost(entry: Entry, partition: int, epoch: int, start: int) -> bool:
    return entry.partition == partition and entry.epoch < epoch and entry.pos >= start
