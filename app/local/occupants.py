"""The deployment of a Kafka, a Valkey or an edge that answers, and words for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import aiohttp
import msgspec
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from app.delivery import keys
from app.deployment.installation import Installation, foreign
from app.deployment.topic import read_deployment
from app.errors import Unreachable
from app.kafka.admin import cluster_id, connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.runtime.http_answer import read_answer
from app.settings import Settings
from app.topics import DEPLOYMENT

#: Seconds that a look may take: what answers on a port may be anything.
_WITHIN: Final = 2.0
#: Bytes at most of what an edge says about itself.
_LARGEST_ANSWER: Final = 64 * 1024


async def of_broker(settings: Settings) -> Installation | None:
    """The installation whose Kafka answers; `None` where none does."""
    try:
        async with connected(settings, within=_WITHIN) as admin:
            there = DEPLOYMENT in await partition_counts(admin)
        cluster = await cluster_id(settings)
        if not there:
            return Installation(cluster=cluster)
        async with PartitionReader(settings) as reader:
            return Installation((await read_deployment(reader)).id, cluster)
    except Unreachable:
        return None


async def of_valkey(url: str) -> str | None:
    """The deployment of a Valkey, empty where it has none; `None` where none answers."""
    client: Any = aioredis.from_url(
        url, socket_connect_timeout=_WITHIN, socket_timeout=_WITHIN, protocol=2
    )
    try:
        return (await client.get(keys.deployment()) or b"").decode("ascii", "replace")
    except (RedisError, OSError, ValueError):
        return None
    finally:
        await client.aclose()


async def of_edge(url: str) -> str | None:
    """The deployment of an edge; `None` where no edge answers that says it."""
    timeout = aiohttp.ClientTimeout(total=_WITHIN)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/healthz") as answer,
        ):
            said = msgspec.json.decode(await read_answer(answer, _LARGEST_ANSWER))
    except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError):
        return None
    found = said.get("deployment") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None


def whose(part: str, found: str | None, own: str) -> str:
    """Words for what has a port: ` by the Kafka of another installation …`; empty: not known."""
    if not found:
        return ""
    if other := foreign(found, own):
        return f" by {part} that is {other}"
    return f" by {part} of this installation" if own else f" by {part} of deployment {found}"


async def broker_at(settings: Settings, port: int) -> str | None:
    """The deployment of the Kafka on a port of this machine."""
    found = await of_broker(replace(settings, broker=f"kafka://127.0.0.1:{port}"))
    return None if found is None else found.deployment
