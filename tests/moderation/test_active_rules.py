from __future__ import annotations

from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from app.errors import ParleyError
from app.events import RulesSet, Sanctioned, encode
from app.kafka.producer import new_producer
from app.moderation.active_rules import ActiveRules
from app.moderation.audit_log import AuditLog
from app.settings import Settings
from app.topics import RULES, SANCTIONS, partition_of
from tests.support.chat import until


async def test_all_that_was_there_is_known_when_it_has_started_and_what_comes_follows(
    settings: Settings,
) -> None:
    prefix = uuid4().hex[:8]
    users = [f"{prefix}-{number}" for number in range(300)]
    sending = new_producer(settings)
    await sending.start()
    acts, now = AuditLog(sending, settings.partitions), ActiveRules(settings)
    try:
        for user in users:
            await acts.sanction(_muted(acts, user))
        await now.start()
        assert [user for user in users if now.sanction(user) is None] == []
        await acts.sanction(_muted(acts, f"{prefix}-late"))

        async def late() -> bool:
            return now.sanction(f"{prefix}-late") is not None

        await until(late, within=5)
    finally:
        await now.stop()
        await sending.stop()


async def test_who_cannot_follow_the_rules_in_force_does_not_start(
    settings: Settings,
) -> None:
    sending = new_producer(settings)
    await sending.start()
    acts = AuditLog(sending, settings.partitions)
    unknown, now = ActiveRules(settings), ActiveRules(settings)
    try:
        await acts.set_rules(_rules(acts, "[a_rule_of_somebodys_own]\n"))
        with pytest.raises(ParleyError, match="can't be used here"):
            await unknown.start()
    finally:
        version = await acts.set_rules(_rules(acts, ""))
        await now.start()
        assert now.rules.version == version
        await now.stop()
        await unknown.stop()
        await sending.stop()


def _muted(acts: AuditLog, user: str) -> Sanctioned:
    return Sanctioned(id=acts.new_id(), by="root", at_ms=1, user=user, sanction="mute")


def _rules(acts: AuditLog, source: str) -> RulesSet:
    return RulesSet(id=acts.new_id(), by="root", at_ms=1, source=source)


async def test_what_is_on_another_partition_is_not_in_force(settings: Settings) -> None:
    user, now = f"{uuid4().hex[:8]}-astray", ActiveRules(settings)
    for topic, key, act in (
        (RULES, "rules", RulesSet(id="i", by="eve", at_ms=1, source="[of_nobodys]\n")),
        (SANCTIONS, user, Sanctioned(id="i", by="eve", at_ms=1, user=user, sanction="mute")),
    ):
        partition = (partition_of(key, settings.partitions) + 1) % settings.partitions
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, acks="all") as sending:
            await sending.send_and_wait(topic, encode(act), key=key.encode(), partition=partition)
    try:
        await now.start()
        assert now.sanction(user) is None
    finally:
        await now.stop()
