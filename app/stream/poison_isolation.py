"""Having a store take what a batch holds, where one event that it can't take stops nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import structlog

from app.kafka.record import Record
from app.runtime.retry import retry_while_away
from app.stream.batch import Batch

log = structlog.get_logger()
T = TypeVar("T")


async def apply_isolating(
    batch: Batch,
    store: str,
    action: Callable[[list[T]], Awaitable[Any]],
    found: Iterable[tuple[Record, T]],
    blames: Callable[[Exception], bool],
) -> None:
    """Have the store take all of it; where that fails, one by one, and bury what fails by itself.

    `blames` says of what is raised whether it is about the event: anything else is raised. What
    says that the store is away is waited for.
    """
    pairs = list(found)
    try:
        await retry_while_away(store, action, [value for _, value in pairs])
        return
    except Exception as error:
        if not blames(error):
            raise
        log.warning("events are taken one by one", store=store, error=repr(error))
    for record, value in pairs:
        try:
            await retry_while_away(store, action, [value])
        except Exception as error:
            if not blames(error):
                raise
            batch.dead_letter(record, repr(error))
