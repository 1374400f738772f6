"""Giving events to readers: what one turn of the loop brought goes out in one write to each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from web.hub.event import Live, Run
from web.hub.herd import Give
from web.hub.room import Room
from web.hub.subscriber import Reader


def dispatch(batch: Sequence[Live], give: Give) -> None:
    """Give each reader its events of the batch, in their order and at once."""
    runs = [(room, Run(list(lives))) for room, lives in groupby(batch, _room)]
    if len(runs) == 1:
        _to_one_room(*runs[0], give)
    else:
        _to_rooms(runs, give)


def _room(live: Live) -> Room:
    return live.room


def _to_one_room(room: Room, run: Run, give: Give) -> None:
    audience = room.audience()
    if audience.writes:
        give(audience, run.frames)
    for reader in audience.others:
        reader.take(run)


def _to_rooms(runs: Sequence[tuple[Room, Run]], give: Give) -> None:
    """Rooms side by side: who reads several of them gets all in the order of their cursors."""
    audiences = [room.audience().everyone for room, _ in runs]
    if len(set().union(*audiences)) == sum(map(len, audiences)):
        for room, run in runs:
            _to_one_room(room, run, give)
        return
    due: dict[Reader, Run] = {}
    for everyone, (_, run) in zip(audiences, runs, strict=True):
        for reader in everyone:
            before = due.get(reader)
            due[reader] = run if before is None else Run([*before.lives, *run.lives])
    for reader, run in due.items():
        reader.take(run)
