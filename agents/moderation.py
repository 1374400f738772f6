"""moderation: `chat.raw` → verdict → `chat.moderated`.

The one stage that may look at a clock or a list of words: what it decides is written down here,
and everything after it only follows.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from app.events import AnyCommand, Moderated, decode_command, encode
from app.groups import group, raw_topic
from app.loop import Batch, Record, batches
from app.rules.moderation import moderate, policy
from app.rules.wellformed import flaw
from app.settings import Settings
from app.topics import MODERATED, RAW, partition_of

pipeline = group("pipeline", strict=True)
settings = Settings.read()
words = Path(settings.blocked_words).read_text().splitlines() if settings.blocked_words else []
rules = policy(settings.text_limit, words)


@pipeline.agent(raw_topic(pipeline, RAW))
async def moderation(stream: Any) -> None:
    """Gives every command its verdict, in the order in which the commands came."""
    async for batch in batches(stream):
        at_ms = time.time_ns() // 1_000_000
        batch.each(decode_command, partial(_moderate, batch, at_ms))


def _moderate(batch: Batch, at_ms: int, record: Record, command: AnyCommand) -> None:
    if wrong := _misplaced(record, command.room) or flaw(command):
        batch.bury(record, wrong)
        return
    refusal = moderate(command, rules)
    moderated = Moderated(src=record.offset, at_ms=at_ms, command=command, refusal=refusal)
    batch.send(MODERATED, record, encode(moderated))


def _misplaced(record: Record, room: str) -> str | None:
    """A room has one order because it has one partition: a command elsewhere can't be used."""
    if partition_of(room, settings.partitions) != record.partition:
        return f"a command for room {room!r} belongs on another partition"
    if record.key != room.encode():
        return f"the key {record.key!r} is not the room {room!r}"
    return None
