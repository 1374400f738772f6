"""Making the next item while the one before it is used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def prefetched(items: AsyncGenerator[T, None]) -> AsyncIterator[AsyncIterator[T]]:
    """The items in their order; while one is used, the next is made: at most one in vain.

    An error in making an item is raised where the item would be.
    """
    coming = asyncio.create_task(_next(items))

    async def each() -> AsyncIterator[T]:
        nonlocal coming
        while found := await coming:
            coming = asyncio.create_task(_next(items))
            yield found[0]

    try:
        yield each()
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        await items.aclose()


async def _next(items: AsyncGenerator[T, None]) -> tuple[T] | None:
    """The next item; `None` after the last."""
    async for item in items:
        return (item,)
    return None
