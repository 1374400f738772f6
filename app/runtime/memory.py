"""The limit of a process's memory."""

from __future__ import annotations

import resource
from contextlib import suppress


def limit_memory(mib: int) -> None:
    """Let this process have at most so many MiB of private memory.

    Beyond that an allocation fails: in Python with a `MemoryError`. Where the system does not take
    the limit there is none.
    """
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (mib * 2**20, hard))
