"""The lowest scheduling priority for the threads of a SQLite store.

A transaction of the archive takes tens of milliseconds of a core, several times a second, and would
delay every message that is in flight meanwhile. With the lowest priority it gets the time that is
left, and takes longer itself. docs/performance.md has the gain.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

#: The lowest nice value. It still gets some time: threads that wait for this one, for the
#: interpreter lock say, would otherwise wait for ever.
_LOWEST: Final = 19


def lower_thread_priority(engine: AsyncEngine) -> None:
    """Lower the priority of the threads of connections that the engine will make, on Linux."""
    # Other systems have no priority for a thread; a database server works elsewhere.
    if sys.platform == "linux" and engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _lowered)


def _lowered(connection: Any, _: object) -> None:
    # The driver has a thread for each connection, in which user-defined functions run.
    connection.create_function("parley_lower_priority", 0, _lower)
    cursor = connection.cursor()
    cursor.execute("SELECT parley_lower_priority()")
    cursor.close()


def _lower() -> None:
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
