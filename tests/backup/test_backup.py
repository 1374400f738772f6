"""A backup of a deployment in which no process of this version has started yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.backup.backup import back_up
from app.backup.backup_folder import BackupFolder
from app.backup.copied_topics import ADDED
from app.deployment.preparation import ensure_deployment
from app.embedded.kafka import Kafka
from app.errors import ParleyError
from app.kafka.admin import connected, provision
from app.settings import Settings
from app.topics import RULES, TOPICS


async def test_topics_that_only_newer_versions_make_may_be_missing_and_others_may_not(
    tmp_path: Path,
) -> None:
    async with Kafka(tmp_path / "kafka") as kafka:
        settings = Settings(broker=kafka.url, partitions=2)
        await provision(settings, [topic for topic in TOPICS if topic.name not in ADDED])
        known = await ensure_deployment(settings)
        manifest = await back_up(settings, BackupFolder(tmp_path / "backup"), lambda _: None)
        assert manifest.deployment == known.id
        assert ADDED.isdisjoint(place.topic for place in manifest.places)
        async with connected(settings, 30) as admin:
            await admin.delete_topics([RULES])
        with pytest.raises(ParleyError, match=rf"the topic {RULES} is missing"):
            await back_up(settings, BackupFolder(tmp_path / "other"), lambda _: None)
