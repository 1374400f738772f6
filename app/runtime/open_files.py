"""The limit of open files, which a shell or a service manager often sets to 1,024.

That number is for programs that use `select`, which knows no more. Parley does not, so it may raise
the limit as far as the system allows without asking anybody.
"""

from __future__ import annotations

import resource
import sys
from contextlib import suppress

from app.errors import ParleyError

#: macOS refuses a limit beyond this, although it says that there is none.
_MACOS_MOST = 10_240


def raise_open_files() -> int:
    """Raise this process's limit of open files as far as possible; children inherit it.

    Returns the limit.
    """
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (hard, _MACOS_MOST):
        if _count(wanted) > _count(before):
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return _count(wanted)
    return _count(before)


def open_files() -> int:
    """The limit of open files of this process."""
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def require_open_files(needed: int, why: str) -> None:
    """Raise the limit; raises `ParleyError` where that is not enough."""
    if (limit := raise_open_files()) < needed:
        raise ParleyError(
            f"a process here may open {limit} files, and {why} needs {needed}:"
            f" raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of systemd, `--ulimit nofile=`)"
        )


def _count(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit
