"""A member of the group `pipeline` that was killed: `python -m tests.faults.lame_member`.

It joined when `chat.moderated` did not exist, so that its partitions are those of other topics.
"""

import asyncio
import os
from importlib import import_module

from aiokafka import AIOKafkaConsumer

from app.settings import Settings
from app.stream.consumer_groups import activate
from app.topics import RAW, changelog


async def main() -> None:
    settings = Settings.read()
    context = activate(settings)
    for name in ("moderation", "rooms"):
        import_module(f"agents.{name}")
    app = context.groups["pipeline"]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=app.conf.id,
        group_instance_id=app.conf.consumer_group_instance_id,
        partition_assignment_strategy=[app.assignor],
        session_timeout_ms=90_000,
        enable_auto_commit=False,
    )
    await consumer.start()
    consumer.subscribe([RAW, *(changelog(app.conf.id, table).name for table in app.tables)])
    while not consumer.assignment():  # noqa: ASYNC110 - the broker gives it
        await asyncio.sleep(0.05)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
