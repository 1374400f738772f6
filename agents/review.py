"""review: `chat.moderation` → the review queue and the account, in the history store."""

from __future__ import annotations

from typing import Any

from app.by_itself import all_or_each
from app.events import decode_act
from app.groups import group, raw_topic
from app.history.outage import about_values
from app.history.store import History
from app.loop import batches
from app.patience import patiently
from app.pulse import GROUP
from app.settings import Settings
from app.topics import MODERATION

app = group("archive", strict=True, hurried=False)
history = History(Settings.read().history_url)


@app.agent(raw_topic(app, MODERATION))
async def review(stream: Any) -> None:
    """Keeps what moderation did, and what waits for somebody to look at it."""
    GROUP.set(app.conf.id)  # whose waiting it is
    await patiently("history", history.open)
    async for batch in batches(stream):
        found = batch.decode(decode_act)
        await all_or_each(batch, "history", history.record, found, about_values)
