"""Letting topics that are there take records as large as Parley writes into them today."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from app.topics import Topic

log = structlog.get_logger()

_SIZE: Final = "max.message.bytes"
#: What Kafka says of a setting that the topic has as its own.
_OWN: Final = 1


async def enlarge(admin: AIOKafkaAdminClient, topics: Iterable[Topic]) -> None:
    """Raise the largest record of each topic to what Parley wants, where it is smaller.

    Nothing else of a topic is touched. Where Kafka doesn't let us, that is logged: all but what is
    so large goes on.
    """
    wanted = {topic.name: int(topic.config[_SIZE]) for topic in topics if _SIZE in topic.config}
    if not wanted:
        return
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    for answer in await admin.describe_configs(asked):
        for _, _, _, name, entries in answer.resources:
            found: dict[str, tuple[Any, ...]] = {entry[0]: entry for entry in entries}
            if _SIZE in found and int(found[_SIZE][1]) < wanted[name]:
                # Kafka takes the place of all that a topic has of its own, so it is told all.
                own = {key: entry[1] for key, entry in found.items() if entry[3] == _OWN}
                await _alter(admin, name, {**own, _SIZE: str(wanted[name])})


async def _alter(admin: AIOKafkaAdminClient, name: str, config: dict[str, str]) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, name, config)
    for answer in await admin.alter_configs([resource]):
        for code, said, *_ in answer.resources:
            if code:
                why = said or for_code(code).__name__
                log.error("topic takes no larger records", topic=name, why=why)
            else:
                log.info("topic takes larger records", topic=name, bytes=config[_SIZE])
