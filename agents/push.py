"""push: messages of `chat.log` → calls of absent members, to browsers and to a gateway."""

from __future__ import annotations

from typing import Any

from app.push.pushes import Pushes
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import PUSH
from app.topics import LOG
from tables.calls import calls

app = group(PUSH)


@app.agent(raw_topic(app, LOG))
async def push(stream: Any) -> None:
    """Call the members whom a message concerns, some seconds later."""
    pushes = Pushes(app, calls)
    await pushes.start()
    try:
        async for batch in batches(stream, (calls,), at_assignment=True):
            await pushes.turn(batch)
    finally:
        await pushes.stop()
