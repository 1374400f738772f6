"""Giving events to readers: what one turn of the loop brought goes out in one write to each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from web.live import Live, Run
from web.reader import Reader
from web.room import Room


def dispatch(batch: Sequence[Live]) -> None:
    """Give each reader its events of the batch, in their order and at once."""
    runs = [(room, Run(list(lives))) for room, lives in groupby(batch, _room)]
    if len(runs) == 1:
        _to_one_room(*runs[0])
    else:
        _to_rooms(runs)


def write_all(writes: Iterable[Callable[[bytes], None]], data: bytes) -> None:
    """The same bytes to all. One whose connection has just broken is told so by its transport."""
    pending = iter(writes)
    while True:
        try:
            for write in pending:
                write(data)
        except (RuntimeError, OSError):
            continue  # with the one after it: the iterator has moved on
        return


def _room(live: Live) -> Room:
    return live.room


def _to_one_room(room: Room, run: Run) -> None:
    audience = room.audience()
    if audience.writes:
        write_all(audience.writes, run.frames)
    for reader in audience.others:
        reader.take(run)


def _to_rooms(runs: Sequence[tuple[Room, Run]]) -> None:
    """Rooms side by side: who reads several of them gets all in the order of their cursors."""
    audiences = [room.audience().everyone for room, _ in runs]
    if len(set().union(*audiences)) == sum(map(len, audiences)):
        for room, run in runs:
            _to_one_room(room, run)
        return
    due: dict[Reader, Run] = {}
    for everyone, (_, run) in zip(audiences, runs, strict=True):
        for reader in everyone:
            before = due.get(reader)
            due[reader] = run if before is None else Run([*before.lives, *run.lives])
    for reader, run in due.items():
        reader.take(run)
