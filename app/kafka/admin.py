"""The admin client: creating topics, raising their largest record, describing the cluster."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from app.errors import ParleyError, Unreachable
from app.kafka.topic_settings import lossy_settings
from app.settings import Settings
from app.topics import Topic

log = structlog.get_logger()

#: Seconds for one attempt to connect.
_START_SECONDS = 10.0

#: Seconds within which new topics have to have their leaders.
_LEADER_SECONDS = 15.0

#: Seconds within which a group has to have its coordinator.
_COORDINATOR_SECONDS = 30.0

_MAX_BYTES: Final = "max.message.bytes"
#: Kafka's source number for a setting of the topic itself.
_OF_TOPIC: Final = 1


async def provision(settings: Settings, topics: Iterable[Topic], within: float = 30.0) -> list[str]:
    """Create the missing topics, and return their names.

    Existing topics then take records as large as Parley writes into them.

    Waits up to `within` seconds for the broker, then raises `Unreachable`. Raises `ParleyError`
    where a topic has another number of partitions than the settings, because rooms would be looked
    up in the wrong partitions, and where its settings would lose records.
    """
    wanted = {topic.name: topic for topic in topics}
    async with connected(settings, within) as admin:
        found = await partition_counts(admin)
        missing = [topic for name, topic in wanted.items() if name not in found]
        created = await _create(admin, settings, missing) if missing else []
        existing = [topic for name, topic in wanted.items() if name in found]
        if lossy := await lossy_settings(admin, existing):
            raise ParleyError("; ".join(lossy))
        await raise_size_limits(admin, existing)
        for name, count in (await _settled(admin, wanted.keys())).items():
            _check(name, count, settings.partitions)
        return created


@asynccontextmanager
async def connected(settings: Settings, within: float) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client; raises `Unreachable` where no broker answers for `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, request_timeout_ms=15_000)
        try:
            # A server that accepts connections and says nothing is no broker either.
            with quiet():
                async with asyncio.timeout(min(_START_SECONDS, within)):
                    await admin.start()
            break
        except (KafkaError, OSError) as error:
            await admin.close()
            if loop.time() >= deadline:
                raise Unreachable(f"no Kafka broker answers at {settings.broker}") from error
            await asyncio.sleep(0.2)
        except BaseException:
            await admin.close()
            raise
    try:
        yield admin
    finally:
        await admin.close()


async def cluster_id(settings: Settings, within: float = 30.0) -> str:
    """The id that distinguishes this Kafka cluster from every other, also after restarts."""
    async with connected(settings, within) as admin:
        described: dict[str, Any] = await admin.describe_cluster()
        return str(described["cluster_id"])


@contextmanager
def quiet() -> Iterator[None]:
    """Keep aiokafka from logging each failed connection while a broker is waited for."""
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """The number of partitions of each topic in the cluster."""
    return {name: len(leaders) for name, leaders in (await _leaders(admin)).items()}


async def raise_size_limits(admin: AIOKafkaAdminClient, topics: Iterable[Topic]) -> None:
    """Raise the largest record of each topic to what Parley needs, where it is smaller.

    Every other setting of a topic stays. A refusal by Kafka is logged: only records of that size
    can't be written then.
    """
    wanted = {
        topic.name: int(topic.config[_MAX_BYTES]) for topic in topics if _MAX_BYTES in topic.config
    }
    if not wanted:
        return
    for name, found in (await _described(admin, wanted)).items():
        if _MAX_BYTES in found and int(found[_MAX_BYTES][1]) < wanted[name]:
            own = {key: entry[1] for key, entry in found.items() if entry[3] == _OF_TOPIC}
            more = {_MAX_BYTES: str(wanted[name])}
            try:
                await alter_settings(admin, name, {**own, **more})
            except ParleyError as error:
                log.error("topic takes no larger records", topic=name, why=str(error))
            else:
                log.info("topic takes larger records", topic=name, bytes=more[_MAX_BYTES])


async def group_offsets(
    admin: AIOKafkaAdminClient, group: str
) -> dict[TopicPartition, OffsetAndMetadata]:
    """The commits of a consumer group; of a partition without a commit the offset is -1.

    A cluster makes the topic of its commits when the first group asks. Raises `Unreachable` where
    none answers for 30 seconds.
    """
    deadline = asyncio.get_running_loop().time() + _COORDINATOR_SECONDS
    while True:
        try:
            found: dict[TopicPartition, OffsetAndMetadata]
            found = await admin.list_consumer_group_offsets(group)
            return found
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError) as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise Unreachable(f"Kafka has no coordinator for the group {group}") from error
            await asyncio.sleep(0.2)


async def own_settings(
    admin: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, dict[str, str]]:
    """The settings that each topic has of its own, apart from those of the cluster."""
    return {
        name: {key: entry[1] for key, entry in found.items() if entry[3] == _OF_TOPIC}
        for name, found in (await _described(admin, topics)).items()
    }


async def alter_settings(admin: AIOKafkaAdminClient, topic: str, settings: dict[str, str]) -> None:
    """Give a topic these settings of its own, in the place of all that it has.

    Raises `ParleyError` where Kafka refuses.
    """
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, settings)
    for answer in await admin.alter_configs([resource]):
        for code, text, *_ in answer.resources:
            if code:
                raise ParleyError(text or for_code(code).__name__)


async def _described(
    admin: AIOKafkaAdminClient, topics: Iterable[str]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """The settings of topics: by name the value, in second place, and more."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    if not resources:
        return {}
    return {
        name: {entry[0]: entry for entry in entries}
        for answer in await admin.describe_configs(resources)
        for _, _, _, name, entries in answer.resources
    }


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
        # Another worker with the same settings may have created it first.
        if code and for_code(code) is not TopicAlreadyExistsError:
            text = rest[0] if rest and rest[0] else for_code(code).__name__
            raise ParleyError(f"Kafka did not create the topic {name}: {text}")
    return [name for name, code, *_ in answer.topic_errors if not code]


async def _settled(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """Wait until every topic has its leaders, and return its number of partitions.

    Kafka answers a creation before that. A topic that another worker is creating may have no
    partition yet.
    """
    deadline = asyncio.get_running_loop().time() + _LEADER_SECONDS
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
