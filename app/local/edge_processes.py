"""`parley edge --edges N`: several edge processes on one port, among which Linux deals connections.

The edges share the terminal of this process: what they log is not written to files.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress

from app.local.metrics_ports import with_metrics_port
from app.local.supervisor import Command, Supervisor
from app.settings import Settings

_TICK_SECONDS = 0.2


def run(settings: Settings, count: int) -> None:
    """Keep `count` edges running until SIGTERM or SIGINT, then stop them together; blocks."""
    asyncio.run(_run(settings, count))


async def _run(settings: Settings, count: int) -> None:
    stop = asyncio.Event()
    for received in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(received, stop.set)
    supervisor = Supervisor(lambda text: print(text, file=sys.stderr, flush=True))
    try:
        for number in range(1, count + 1):
            own = with_metrics_port(settings, number - 1)
            edge = Command(["edge"], None, own.environ())
            await supervisor.start(f"edge {number}", edge)
        while not stop.is_set():
            await supervisor.tick()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
    finally:
        await supervisor.stop(at_once=True)
