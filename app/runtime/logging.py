"""How Parley's processes log: one line an event, key=value, on stderr."""

from __future__ import annotations

import logging
import re
import sys
import time
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog

#: Seconds in which a library's message is logged once: a client that reconnects says the same
#: hundreds of times.
_QUIET = 5.0


_UNCLEAR = re.compile(r"[\s='\"\\]|[^\x20-\x7e\xa0-\U0010ffff]|^$")


class RateLimitFilter(logging.Filter):
    """Lets a message through once in some seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one goes through."""
        place = (record.name, str(record.msg))
        if record.created - self._last.get(place, 0.0) < _QUIET:
            return False
        self._last[place] = record.created
        return True


class LossyStderr:
    """Standard error where a line that can't be written, because a disk is full, stops nobody."""

    def write(self, text: str) -> None:
        """Write, or don't."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or don't."""
        with suppress(OSError):
            sys.stderr.flush()


def set_up_logging(process: str) -> None:
    """Log from INFO on, with the name of the process; libraries from WARNING on, nothing twice."""
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format=f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimitFilter())
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            *_rendering(sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, LossyStderr())),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)


def _rendering(colours: bool) -> list[Any]:
    """What makes lines: structlog's own with colours, else the same in a tenth of the time."""
    if not colours:
        return [line]
    times = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
    return [times, structlog.dev.ConsoleRenderer(colors=True)]


def line(_: object, __: str, event: dict[str, Any]) -> str:
    """A line as structlog's console has it. An edge writes one for each request."""
    said, level = event.pop("event"), event.pop("level")
    trace = event.pop("exception", None)
    pairs = " ".join([f"{key}={_shown(event[key])}" for key in sorted(event)])
    text = f"{_time(int(time.time()))} [{level:<9}] {said:<30} {pairs}".rstrip()
    return text if trace is None else f"{text}\n{trace}"


@lru_cache(1)
def _time(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _shown(value: object) -> str:
    """A value, in quotes where it could be taken for more than one."""
    text = str(value)
    return repr(text) if _UNCLEAR.search(text) else text
