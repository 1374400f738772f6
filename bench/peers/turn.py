"""One turn of a server: as many messages as it accepts, so many of them under way at a time."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from app.errors import ParleyError
from bench.figures import quantiles
from bench.peers.load import Load, Peer, Tally
from bench.spent import Spent

#: Seconds for the requests under way when a turn ends.
_GRACE = 20.0


async def turn(peer: Peer, tally: Tally, load: Load) -> dict[str, Any]:
    """The peer's outcome in `load.seconds`, after a warm-up."""
    await _sending(peer, tally, load, load.warmup)
    tally.measure()
    spent = Spent({**peer.pids, "client": os.getpid()})
    passed = await _sending(peer, tally, load, load.seconds)
    delivered = len(tally.delays)
    cpu, _ = spent.so_far()
    await _complete(tally, load)
    return {
        "accepted_per_second": tally.accepted / passed,
        "delivered_per_second": delivered / passed,
        "receipt_ms": quantiles(tally.delays),
        "lost": tally.accepted * load.readers - len(tally.delays),
        "cores": {name: round(seconds / passed, 2) for name, seconds in cpu.items()},
    }


async def _sending(peer: Peer, tally: Tally, load: Load, seconds: float) -> float:
    """Send for so long; how long it took until the last of them was accepted."""
    began = time.monotonic()

    async def one_by_one() -> None:
        while time.monotonic() - began < seconds:
            index = next(tally.indexes)
            await peer.send(index % load.rooms, index)
            tally.accepted += 1

    tasks = [asyncio.create_task(one_by_one()) for _ in range(load.under_way)]
    try:
        async with asyncio.timeout(seconds + _GRACE):
            await asyncio.gather(*tasks)
    except TimeoutError:
        raise ParleyError(f"{peer.name} does not answer any more") from None
    finally:
        for task in tasks:
            task.cancel()
    return time.monotonic() - began


async def _complete(tally: Tally, load: Load) -> None:
    """Return when every reader has everything, or time is over."""
    deadline = time.monotonic() + _GRACE
    while len(tally.delays) < tally.accepted * load.readers and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
