"""archive: `chat.log` → the history store, once for each (room, n)."""

from __future__ import annotations

from typing import Any

from app.events import decode_log
from app.groups import group, raw_topic
from app.history.entry import Entry
from app.history.store import History
from app.loop import batches
from app.patience import patiently
from app.settings import Settings
from app.topics import LOG

app = group("archive", strict=True)
settings = Settings.read()


@app.agent(raw_topic(app, LOG))
async def archive(stream: Any) -> None:
    """Writes every event to the history store; while that is away, the log waits."""
    history = History(settings.history_url)
    await patiently("history", history.open)
    async for batch in batches(stream):
        entries = [entry for _, entry in batch.decode(_entry)]
        await patiently("history", history.append, entries)


def _entry(value: bytes) -> Entry:
    return Entry.of(decode_log(value), value)
