"""answers: `chat.verdicts` → the edge that waits for the answer.

`fan_out` publishes the verdict of an event together with it. This agent publishes the verdicts of
refusals, repetitions and held messages.
"""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError

from app.delivery.publisher import Publisher
from app.delivery.valkey import connect
from app.events import decode_verdict
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.stream.groups import FAN_OUT
from app.stream.poison_isolation import apply_isolating
from app.topics import VERDICTS

app = group(FAN_OUT)
settings = app.context.settings


@app.agent(raw_topic(app, VERDICTS))
async def answers(stream: Any) -> None:
    """Send verdicts to the edges that wait for them."""
    publisher = Publisher(connect(settings.redis), settings.window, settings.window_bytes)
    async for batch in batches(stream):
        found = batch.decode(decode_verdict)
        await apply_isolating(batch, "Valkey", publisher.answer, found, _is_about_event)


def _is_about_event(error: Exception) -> bool:
    return not isinstance(error, RedisError)
