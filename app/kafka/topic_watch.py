"""Noticing that a topic was deleted, or created anew, while this process uses it.

Kafka's clients go on by name: a consumer stands at an offset of the former topic, and what the new
one has below that offset is never read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from app.errors import Unreachable
from app.kafka.admin import connected
from app.kafka.topic_ids import topic_ids
from app.settings import Settings

log = structlog.get_logger()

#: Seconds between two looks.
_EVERY: Final = 5.0

#: Seconds for a look; while no broker answers, nothing is known.
_PATIENCE: Final = 10.0


async def watch_topics(
    settings: Settings, names: Collection[str], changed: Callable[[str], None]
) -> None:
    """Call `changed` with what has happened to the first topic that is another than at the start.

    Returns then; until then it runs for good.
    """
    known = await topic_ids_of(settings, names)
    missing: set[str] = set()
    while True:
        await asyncio.sleep(_EVERY)
        now = await topic_ids_of(settings, names)
        if now is None:
            continue
        known = known or now
        for name, topic_id in known.items():
            if name in now and now[name] != topic_id:
                changed(f"the topic {name} was created anew")
                return
        # Twice: a broker that has just started may not know all topics yet.
        if gone := missing & (known.keys() - now.keys()):
            changed(f"the topic {min(gone)} was deleted")
            return
        missing = known.keys() - now.keys()


async def topic_ids_of(settings: Settings, names: Collection[str]) -> dict[str, object] | None:
    """The ids of the topics; `None` while they are not known."""
    try:
        async with connected(settings, _PATIENCE) as admin:
            return dict(await topic_ids(admin, names))
    except (Unreachable, KafkaError, OSError) as error:
        log.info("topics can't be looked at", error=repr(error))
    except NotImplementedError:
        pass  # a broker older than topic ids
    return None
