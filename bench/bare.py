"""The ceiling: the throughput of aiokafka alone, three times over, in one process.

Three stages, each consume, decode JSON, encode JSON, produce, commit. No rules, no tables, no
Valkey: nobody who does the same work on the same client is quicker. Ends when the last stage has
written as many records as the first topic has, and prints how many a second that were.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from itertools import pairwise

import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

#: Records taken at once, as in Parley's own loop.
LIMIT = 500


async def stage(bootstrap: str, source: str, target: str, count: int) -> tuple[float, float]:
    """Bring `count` records from topic to topic; when the first and the last had been there."""
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=bootstrap,
        group_id=f"bare-{target}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=LIMIT,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=2
    )
    await consumer.start()
    await producer.start()
    done, first = 0, 0.0
    try:
        while done < count:
            fetched = await consumer.getmany(timeout_ms=1000)
            first = first or (time.monotonic() if fetched else 0.0)
            sent = []
            for place, records in fetched.items():
                for record in records:
                    value = orjson.dumps(orjson.loads(record.value))
                    sent.append(
                        await producer.send(
                            target, value, key=record.key, partition=place.partition
                        )
                    )
            await asyncio.gather(*sent)
            if sent:
                await consumer.commit()
            done += len(sent)
        return first, time.monotonic()
    finally:
        await consumer.stop()
        await producer.stop()


async def run(bootstrap: str, topics: Sequence[str], count: int) -> float:
    """Records a second from the first one taken to the last one written."""
    stages = [stage(bootstrap, *pair, count) for pair in pairwise(topics)]
    times = await asyncio.gather(*stages)
    return count / (max(last for _, last in times) - min(first for first, _ in times))


if __name__ == "__main__":
    print(uvloop.run(run(sys.argv[1], sys.argv[3:], int(sys.argv[2]))))
