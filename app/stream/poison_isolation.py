"""Poison isolation: a store takes a batch, and an event that it can't take stops no other."""

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
    is_about_event: Callable[[Exception], bool],
) -> None:
    """Apply the action to all values; where that fails, to each, and dead-letter those that fail.

    `is_about_event` says whether an exception is about an event: any other is raised. While the
    store is away, the action is retried.
    """
    pairs = list(found)
    try:
        await retry_while_away(store, action, [value for _, value in pairs])
        return
    except Exception as error:
        if not is_about_event(error):
            raise
        log.warning("events are applied one by one", store=store, error=repr(error))
    for record, value in pairs:
        try:
            await retry_while_away(store, action, [value])
        except Exception as error:
            if not is_about_event(error):
                raise
            batch.dead_letter(record, repr(error))
