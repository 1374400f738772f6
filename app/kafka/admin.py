"""Creating the topics that Parley needs, and raising their largest record."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from app.errors import ParleyError, Unreachable
from app.settings import Settings
from app.topics import Topic

_SETTLE_SECONDS = 15.0


async def provision(settings: Settings, topics: Iterable[Topic], within: float = 30.0) -> list[str]:
    """Create the topics that are missing; the answer is the names of those that it created.

    Those that are there take records as large as is wanted afterwards.

    Waits up to `within` seconds for the broker, then raises `Unreachable`. Raises `ParleyError`
    where a topic exists with another number of partitions than the settings say: rooms would
    be looked for in partitions where they are not.
    """
    wanted = {topic.name: topic for topic in topics}
    async with connected(settings, within) as admin:
        found = await partition_counts(admin)
        missing = [topic for name, topic in wanted.items() if name not in found]
        created = await _create(admin, settings, missing) if missing else []
        await raise_size_limits(admin, [topic for name, topic in wanted.items() if name in found])
        for name, count in (await _settled(admin, wanted.keys())).items():
            _check(name, count, settings.partitions)
        return created


@asynccontextmanager
async def connected(settings: Settings, within: float) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client of the broker, or `Unreachable` after `within` seconds."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=15_000)
    deadline = asyncio.get_running_loop().time() + within
    try:
        while True:
            try:
                with quiet():
                    await admin.start()
                break
            except (KafkaError, OSError) as error:
                if asyncio.get_running_loop().time() >= deadline:
                    raise Unreachable(f"no Kafka broker answers at {settings.broker}") from error
                await asyncio.sleep(0.2)
        yield admin
    finally:
        await admin.close()


async def cluster_id(settings: Settings, within: float = 30.0) -> str:
    """What tells this Kafka cluster from every other, through all restarts."""
    async with connected(settings, within) as admin:
        described: dict[str, Any] = await admin.describe_cluster()
        return str(described["cluster_id"])


@contextmanager
def quiet() -> Iterator[None]:
    """Keep aiokafka from logging each failed connection of somebody who waits for a broker."""
    log = logging.getLogger("aiokafka")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


async def partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """How many partitions each topic of the cluster has."""
    return {name: len(leaders) for name, leaders in (await _leaders(admin)).items()}


async def _leaders(admin: AIOKafkaAdminClient) -> dict[str, list[int]]:
    names = await admin.list_topics()
    described: list[dict[str, Any]] = await admin.describe_topics(names) if names else []
    return {t["topic"]: [part["leader"] for part in t["partitions"]] for t in described}


async def _create(
    admin: AIOKafkaAdminClient, settings: Settings, missing: Iterable[Topic]
) -> list[str]:
    durable = {"min.insync.replicas": str(settings.min_insync)}
    new = [
        NewTopic(
            topic.name,
            settings.partitions,
            settings.replication,
            topic_configs={**durable, **topic.config},
        )
        for topic in missing
    ]
    answer = await admin.create_topics(new)
    for name, code, *rest in answer.topic_errors:
        # Another worker may have come first: it starts from the same settings.
        if code and for_code(code) is not TopicAlreadyExistsError:
            said = rest[0] if rest and rest[0] else for_code(code).__name__
            raise ParleyError(f"Kafka would not create the topic {name}: {said}")
    return [name for name, code, *_ in answer.topic_errors if not code]


async def _settled(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """Wait until each topic has its leaders, and say how many: creating answers before that.

    In a cluster a topic that somebody else creates at this moment may have no partition yet.
    """
    deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while True:
        leaders = await _leaders(admin)
        if all(min(leaders.get(name, ()), default=-1) >= 0 for name in names):
            return {name: len(leaders[name]) for name in names}
        if asyncio.get_running_loop().time() >= deadline:
            raise Unreachable(f"Kafka has no leader yet for {', '.join(sorted(names))}")
        await asyncio.sleep(0.05)


def _check(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise ParleyError(
            f"the topic {name} has {found} partitions where PARLEY_PARTITIONS says {wanted};"
            f" set PARLEY_PARTITIONS={found}, since adding partitions would part rooms from"
            " their past"
        )


log = structlog.get_logger()

_SIZE: Final = "max.message.bytes"
#: What Kafka says of a setting that the topic has as its own.
_OWN: Final = 1


async def raise_size_limits(admin: AIOKafkaAdminClient, topics: Iterable[Topic]) -> None:
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
