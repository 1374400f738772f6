"""Trying again until a store that is away is back."""

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

#: What a store raises while it is not there, is full, or has just lost its role to another.
#: Anything else is a mistake, and raised at once.
AWAY = (
    Unreachable,
    ConnectionError,
    TimeoutError,
    valkey.ConnectionError,
    valkey.TimeoutError,
    valkey.OutOfMemoryError,
    valkey.ReadOnlyError,
)

_FIRST = 0.1
_LONGEST = 2.0


async def retry_while_away(store: str, action: Callable[..., Awaitable[T]], *args: object) -> T:
    """The action's result, tried until the store is there: 0.1 s to 2 s between tries.

    For agents: their records wait in Kafka meanwhile, and other groups go on.
    """
    pause, me = _FIRST, object()
    signs = heartbeat_of(GROUP.get())
    try:
        while True:
            try:
                return await action(*args)
            except AWAY as error:
                tell = log.error if isinstance(error, Unusable) else log.warning
                tell("away, trying again", store=store, error=str(error), seconds=pause)
                signs.waits[me] = store
                signs.beat()
                await asyncio.sleep(pause * random.uniform(0.8, 1.2))
                pause = min(pause * 2, _LONGEST)
    finally:
        signs.waits.pop(me, None)


@contextmanager
def health_probe(store: str, group: str, who: str) -> Iterator[None]:
    """For a look that is taken again and again: while the store is away, the group tells so.

    Without records to deal with, nobody else would notice.
    """
    signs = heartbeat_of(group)
    try:
        yield
        signs.waits.pop(who, None)
    except AWAY:
        signs.waits[who] = store
