"""Locks on the folders of groups: two workers of one name would fight for ever.

Kafka knows a member by its worker's name. Where two processes have the same one, each fences the
other off as soon as it joins.
"""

from __future__ import annotations

import asyncio
import fcntl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Any, Final

import structlog

from app.errors import ParleyError
from app.stream.consumer_groups import ParleyApp

log = structlog.get_logger()

#: Seconds in which a predecessor has stopped: an orderly stop takes up to 20.
_SECONDS: Final = 25.0


@asynccontextmanager
async def group_locks(apps: Mapping[str, ParleyApp], worker: str) -> AsyncIterator[None]:
    """Hold the folders of the groups meanwhile.

    Raises `ParleyError` where another process of this machine runs one of them under this name, and
    does not end within 25 seconds.
    """
    deadline = time.monotonic() + _SECONDS
    async with AsyncExitStack() as held:
        for name, app in apps.items():
            file = held.enter_context(_lock_file(Path(app.conf.datadir)))
            while not _locked(file):
                if time.monotonic() > deadline:
                    raise ParleyError(
                        f"another worker runs the group {name} under the name {worker} on this"
                        " machine: give each worker a PARLEY_WORKER of its own"
                    )
                log.warning("another worker of this name is there", group=name, worker=worker)
                await asyncio.sleep(1)
        yield


def _lock_file(folder: Path) -> IO[Any]:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return (folder / "lock").open("w")


def _locked(file: IO[Any]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
