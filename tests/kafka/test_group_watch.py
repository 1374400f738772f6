"""Consumer groups as an operator sees them."""

from __future__ import annotations

from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.kafka.group_watch import GroupLook, GroupWatch
from app.settings import Settings
from app.topics import RAW
from tests.support.chat import until


async def test_a_group_is_shown_with_its_members_its_lag_and_its_rebalances(
    settings: Settings,
) -> None:
    group, bootstrap = f"watched-{uuid4().hex[:8]}", settings.bootstrap
    watch = GroupWatch(settings)

    async def shown() -> GroupLook | None:
        return {one.group: one for one in await watch.look()}.get(group)

    def member() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            RAW, group_id=group, bootstrap_servers=bootstrap, enable_auto_commit=False
        )

    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        one, other = member(), member()
        await one.start()

        async def assigned() -> bool:
            return bool(one.assignment())

        await until(assigned)
        for place in one.assignment():
            await one.seek_to_end(place)
            await one.position(place)
        await one.commit()
        found = await shown()
        assert found is not None
        assert (found.state, found.members, found.behind, found.rebalances) == ("Stable", 1, 0, 0)

        for _ in range(3):
            await producer.send_and_wait(RAW, b"for nobody", partition=0)
        found = await shown()
        assert found is not None
        assert found.behind == 3

        async def aged() -> bool:
            look = await shown()
            return look is not None and look.seconds > 0.2

        await until(aged)

        await other.start()

        async def rebalanced() -> bool:
            look = await shown()
            return look is not None and look.members == 2 and look.rebalances > 0

        await until(rebalanced)
        await one.stop()
        await other.stop()

        async def empty() -> bool:
            look = await shown()
            return look is not None and (look.state, look.members) == ("Empty", 0)

        await until(empty)
    assert watch.is_connected
    await watch.close()
    assert not watch.is_connected
