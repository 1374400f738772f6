"""Retrying an action until a store that is away is back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog
from redis import exceptions as valkey

from app.errors import Unreachable, Unusable
from app.runtime.heartbeat import GROUP, heartbeat_of

log = structlog.get_logger()
T = TypeVar("T")

#: What a store's client raises while the store is unreachable or takes no command. Any other
#: exception is a mistake, and is raised at once. The refusals of Valkey are `Unreachable`, too
#: (app/delivery/refusals.py).
AWAY = (
    Unreachable,
    ConnectionError,
    TimeoutError,
    valkey.ConnectionError,
    valkey.TimeoutError,
)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


async def retry_while_away(store: str, action: Callable[..., Awaitable[T]], *args: object) -> T:
    """The action's result, retried while the store is away, with 0.1 s to 2 s between tries.

    For agents: their records wait in Kafka meanwhile, and other groups go on.
    """
    pause, waiter = _FIRST_PAUSE, object()
    heartbeat = heartbeat_of(GROUP.get())
    try:
        while True:
            try:
                return await action(*args)
            except AWAY as error:
                write = log.error if isinstance(error, Unusable) else log.warning
                write("away, trying again", store=store, error=str(error), seconds=pause)
                heartbeat.waits[waiter] = store
                heartbeat.beat()
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))
                pause = min(pause * 2, _LONGEST_PAUSE)
    finally:
        heartbeat.waits.pop(waiter, None)


@contextmanager
def health_probe(store: str, group: str, name: str) -> Iterator[None]:
    """Wrap a periodic health probe; the group is marked as waiting while the store is unreachable.

    A group without records to process would not notice by itself.
    """
    heartbeat = heartbeat_of(group)
    try:
        yield
        heartbeat.waits.pop(name, None)
    except AWAY:
        heartbeat.waits[name] = store
