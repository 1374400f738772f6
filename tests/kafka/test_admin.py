from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from app.embedded.ports import free_port
from app.errors import ParleyError, Unreachable
from app.kafka.admin import connected, partition_counts, provision
from app.settings import Settings
from app.topics import TOPICS, Topic
from tests.support.chat import until


async def test_missing_topics_are_created_once(settings: Settings) -> None:
    topics = [Topic("provision.a"), Topic("provision.b")]
    assert await provision(settings, topics[:1]) == ["provision.a"]
    assert await provision(settings, topics) == ["provision.b"]
    assert await provision(settings, topics) == []


async def test_every_topic_has_the_partitions_of_the_settings(settings: Settings) -> None:
    async with connected(settings, within=5) as admin:
        counts = await partition_counts(admin)
    assert {counts[topic.name] for topic in TOPICS} == {settings.partitions}


async def test_another_number_of_partitions_is_refused(settings: Settings) -> None:
    with pytest.raises(ParleyError, match=r"has 8 partitions where PARLEY_PARTITIONS says 3"):
        await provision(replace(settings, partitions=3), TOPICS)


async def test_a_broker_that_is_not_there_is_named() -> None:
    nobody = f"kafka://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match=nobody):
        await provision(Settings(broker=nobody), TOPICS, within=0.1)


async def test_a_topic_that_is_there_takes_larger_records_when_larger_are_wanted(
    settings: Settings,
) -> None:
    before = {"retention.ms": "123456", "max.message.bytes": "1000000"}
    await provision(settings, [Topic("provision.larger", before)])
    for size, found in (("2000000", "2000000"), ("1500000", "2000000")):
        await provision(settings, [Topic("provision.larger", {"max.message.bytes": size})])
        # Kafka answers before all of the broker knows the new setting.
        await until(partial(takes, settings, "provision.larger", found))
        assert (await own_config(settings, "provision.larger"))["retention.ms"] == "123456"


async def takes(settings: Settings, name: str, size: str) -> bool:
    return (await own_config(settings, name))["max.message.bytes"] == size


async def own_config(settings: Settings, name: str) -> dict[str, str]:
    async with connected(settings, within=5) as admin:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    [(_, _, _, _, entries)] = answer.resources
    return {entry[0]: entry[1] for entry in entries}
