"""archive: `chat.log` → the history store, once for each (room, n)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from app.events import decode_log
from app.groups import group, raw_topic
from app.history.entry import Entry
from app.history.store import History
from app.loop import batches
from app.patience import AWAY, patiently
from app.settings import Settings
from app.topics import LOG

app = group("archive", strict=True)
history = History(Settings.read().history_url)


@app.agent(raw_topic(app, LOG))
async def archive(stream: Any) -> None:
    """Writes every event to the history store; while that is away, the log waits."""
    await patiently("history", history.open)
    async for batch in batches(stream):
        entries = [entry for _, entry in batch.decode(_entry)]
        await patiently("history", history.append, entries)


@app.timer(interval=3600.0)  # type: ignore[untyped-decorator]
async def tidy() -> None:
    """Within the hour, what was deleted or replaced is gone from the disk, too."""
    with suppress(*AWAY):
        await history.open()
        await history.tidy()


def _entry(value: bytes) -> Entry:
    return Entry.of(decode_log(value), value)
