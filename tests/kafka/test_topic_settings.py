from __future__ import annotations

import pytest

from app.errors import ParleyError
from app.kafka.admin import connected, partition_counts, provision
from app.kafka.topic_settings import losses, lossy_settings
from app.settings import Settings
from app.topics import LOG, RULES, TOPICS, Topic

BY_NAME = {topic.name: topic for topic in TOPICS}
FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@pytest.mark.parametrize(
    ("name", "changed", "named"),
    [
        (LOG, {"retention.ms": "604800000"}, "retention.ms=-1"),
        (LOG, {"retention.bytes": "1000"}, "retention.bytes=-1"),
        (LOG, {"cleanup.policy": "compact"}, "cleanup.policy=delete"),
        (LOG, {"cleanup.policy": "compact,delete"}, "cleanup.policy=delete"),
        ("chat.raw", {"cleanup.policy": "compact"}, "cleanup.policy=delete"),
        (RULES, {"cleanup.policy": "delete", "retention.ms": "1"}, "cleanup.policy=compact"),
    ],
)
def test_a_setting_that_loses_records_is_named_with_the_right_one(
    name: str, changed: dict[str, str], named: str
) -> None:
    [told] = losses(BY_NAME[name], FOR_EVER | changed)
    assert named in told
    assert name in told


def test_a_compacted_topic_may_also_be_kept_whole() -> None:
    assert losses(BY_NAME[RULES], FOR_EVER) == []


async def test_the_topics_that_parley_creates_lose_nothing(settings: Settings) -> None:
    async with connected(settings, 5) as admin:
        counts = await partition_counts(admin)
        there = [topic for topic in TOPICS if topic.name in counts]
        assert await lossy_settings(admin, there) == []
    assert len(there) == len(TOPICS)


async def test_a_start_is_refused_where_a_topic_would_lose_records(settings: Settings) -> None:
    await provision(settings, [Topic("settings.lossy", {"retention.ms": "1000"})])
    with pytest.raises(ParleyError, match=r"settings\.lossy has retention\.ms=1000"):
        await provision(settings, [Topic("settings.lossy", {"retention.ms": "-1"})])
