"""review: `chat.moderation` → the review queue and the audit log, in the history store."""

from __future__ import annotations

from functools import cache
from typing import Any

from app.events import decode_act
from app.history.outage import about_values
from app.history.store import History
from app.runtime.heartbeat import GROUP
from app.runtime.retry import retry_while_away
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import ARCHIVE
from app.stream.poison_isolation import apply_isolating
from app.topics import MODERATION

app = group(ARCHIVE)


@cache
def history() -> History:
    """The store, made when the agent starts."""
    return History(app.context.settings.history_url)


@app.agent(raw_topic(app, MODERATION))
async def review(stream: Any) -> None:
    """Store every moderation action, and the items that wait for a review."""
    GROUP.set(app.conf.id)  # the group that is shown as waiting
    await retry_while_away("history", history().open)
    async for batch in batches(stream):
        found = batch.decode(decode_act)
        await apply_isolating(batch, "history", history().record, found, about_values)
