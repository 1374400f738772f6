"""Which core a process runs on, where the system lets one say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: The cores that this process may use: of these, the one for the measured process and those for
#: everything else. Where there is one core alone, they are the same.
ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
MEASURED = set(ALL[-1:])
OTHERS = set(ALL[:-1]) or MEASURED


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """Processes that are started within run on these cores, as this one does meanwhile."""
    if not ALL:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
