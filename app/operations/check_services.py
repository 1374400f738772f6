"""Whether what Parley stands on answers."""

from __future__ import annotations

import aiohttp
from redis import asyncio as aioredis
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from app.errors import Unreachable
from app.kafka.admin import connected, partition_counts
from app.local.demo_room import address
from app.operations.findings import Finding, missing, note, ok
from app.settings import Settings
from app.topics import TOPICS

_OLDEST_REDIS = 7


async def check_services(settings: Settings, named: frozenset[str]) -> list[Finding]:
    """Broker, topics, Valkey, history store, edge; what nobody set may well not run yet."""
    return [
        *await _broker(settings, "broker" in named),
        await _valkey(settings, "redis" in named),
        await _history(settings),
        await _edge(settings),
    ]


async def _broker(settings: Settings, expected: bool) -> list[Finding]:
    try:
        async with connected(settings, within=2) as admin:
            counts = await partition_counts(admin)
    except Unreachable as error:
        if expected:
            return [missing("Kafka", f"{error}; start it, or correct PARLEY_BROKER")]
        return [note("Kafka", f"{error}; `parley up` starts one")]
    return [ok("Kafka", f"answers at {settings.broker}"), _topics(counts, settings.partitions)]


def _topics(counts: dict[str, int], wanted: int) -> Finding:
    absent = [topic.name for topic in TOPICS if topic.name not in counts]
    if absent:
        return note("topics", f"not there yet: {', '.join(absent)}; a worker creates them")
    other = [t.name for t in TOPICS if counts[t.name] != wanted]
    if other:
        return missing(
            "topics",
            f"{other[0]} has {counts[other[0]]} partitions, PARLEY_PARTITIONS says {wanted}: set it"
            f" to {counts[other[0]]}",
        )
    return ok("topics", f"{len(TOPICS)} with {wanted} partitions each")


async def _valkey(settings: Settings, expected: bool) -> Finding:
    client = aioredis.from_url(settings.redis, socket_connect_timeout=2, socket_timeout=2)
    try:
        told = await client.info("server")
    except (RedisError, OSError, ValueError) as error:
        text = f"no Valkey or Redis answers: {error}"
        if expected:
            return missing("Valkey", f"{text}; start it, or correct PARLEY_REDIS")
        return note("Valkey", f"{text}; `parley up` starts one")
    finally:
        await client.aclose()
    name = told.get("server_name", "redis")
    version = str(told.get("valkey_version") or told["redis_version"])
    if int(version.split(".")[0]) < _OLDEST_REDIS:
        return missing("Valkey", f"{name} {version}; Parley needs {_OLDEST_REDIS} or newer")
    return ok("Valkey", f"{name} {version}")


async def _history(settings: Settings) -> Finding:
    try:
        url = make_url(settings.history_url)
        if url.get_backend_name() == "sqlite" and not (settings.data / "history.db").exists():
            return note("history", "not there yet; a worker makes it in the data folder")
        engine = create_async_engine(url)
    except (ArgumentError, ImportError) as error:
        return missing("history", f"PARLEY_HISTORY can't be used: {error}")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
    except (SQLAlchemyError, OSError) as error:
        first = str(error).splitlines()[0]
        return missing("history", f"{first}; start it, or correct PARLEY_HISTORY")
    finally:
        await engine.dispose()
    return ok("history", url.render_as_string(hide_password=True))


async def _edge(settings: Settings) -> Finding:
    where = f"{address(settings)}/readyz"
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(where) as answer,
        ):
            said = (await answer.text()).strip()[:200]
    except (aiohttp.ClientError, OSError, TimeoutError):
        return note("edge", f"none at {address(settings)}; `parley up` or `parley edge` starts one")
    if answer.status != 200:
        return missing("edge", f"{where} answers {answer.status}: {said}")
    return ok("edge", f"ready at {address(settings)}")
