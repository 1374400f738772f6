"""`parley edge --edges N`: several edges on one port, each a process; Linux deals out who comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial

from app.embedded.child import die_with
from app.local.supervisor import ROOT
from app.settings import Settings, inherited

#: Seconds after which an edge that ended by itself is started again.
_PAUSE = 1.0


def run(settings: Settings, count: int) -> None:
    """Keep so many edges running until SIGTERM or SIGINT; blocks."""
    asyncio.run(_Edges(settings).until_told(count))


class _Edges:
    def __init__(self, settings: Settings) -> None:
        path = ":".join(filter(None, [str(ROOT), inherited({}).get("PYTHONPATH", "")]))
        self._environ = inherited({**settings.environ(), "PYTHONPATH": path})
        self._told = asyncio.Event()

    async def until_told(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told.set)
        await asyncio.gather(*(self._keep() for _ in range(count)))

    async def _keep(self) -> None:
        """One edge, and its successors, until told to stop; it stops in order."""
        while not self._told.is_set():
            # A session of its own: Ctrl-C reaches it once, from here.
            edge = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "app.cli", "edge"),
                env=self._environ,
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid()),
            )
            ended = asyncio.ensure_future(edge.wait())
            told = asyncio.ensure_future(self._told.wait())
            await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                await asyncio.wait((told,), timeout=_PAUSE)
            elif not ended.done():
                edge.terminate()
            await ended
            told.cancel()
