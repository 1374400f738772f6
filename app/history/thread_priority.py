"""Having a SQLite store's thread step aside for everything else that its process does.

A transaction of the archive's takes tens of milliseconds of a core, several times a second; every
message that is on its way meanwhile would share the core with it. With the lowest priority it has
what is left over, and takes longer itself. docs/performance.md has what that gains.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

#: The lowest priority that the system shares the processor by. It leaves something in any case:
#: what waits for this thread, for the interpreter say, would otherwise wait for ever.
_LOWEST: Final = 19


def lower_thread_priority(engine: AsyncEngine) -> None:
    """Have the threads of connections that the engine will make step aside, on Linux."""
    # Elsewhere a thread has no priority of its own; a server's work is not done here.
    if sys.platform == "linux" and engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _lowered)


def _lowered(connection: Any, _: object) -> None:
    # The driver has a thread for each connection, in which functions of one's own run.
    connection.create_function("parley_step_aside", 0, _lower)
    cursor = connection.cursor()
    cursor.execute("SELECT parley_step_aside()")
    cursor.close()


def _lower() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
