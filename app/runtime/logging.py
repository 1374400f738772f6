"""Logging of Parley's processes: one line for each event, key=value, on stderr."""

from __future__ import annotations

import logging
import re
import sys
import time
from contextlib import suppress
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog

#: Seconds in which a library's message is logged once: a client that reconnects repeats the same
#: message hundreds of times.
_QUIET_SECONDS = 5.0


_NEEDS_QUOTES = re.compile(r"[\s='\"\\]|[^\x20-\x7e\xa0-\U0010ffff]|^$")


class RateLimitFilter(logging.Filter):
    """Lets each message through once in five seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is logged."""
        key = (record.name, str(record.msg))
        if record.created - self._last.get(key, 0.0) < _QUIET_SECONDS:
            return False
        self._last[key] = record.created
        return True


class LossyStderr:
    """Standard error without its errors: a full disk loses log lines and stops no process."""

    def write(self, text: str) -> None:
        """Write the text, or lose it."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or lose what is buffered."""
        with suppress(OSError):
            sys.stderr.flush()


def set_up_logging(process: str) -> None:
    """Log from INFO on, with the process's name; libraries from WARNING on, without repetitions."""
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
    """The last processors: structlog's own renderer with colours, else a ten times faster one."""
    if not colours:
        return [render_line]
    times = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
    return [times, structlog.dev.ConsoleRenderer(colors=True)]


def render_line(_: object, __: str, event: dict[str, Any]) -> str:
    """A line in the form of structlog's console. An edge writes one for each request."""
    message, level = event.pop("event"), event.pop("level")
    trace = event.pop("exception", None)
    pairs = " ".join([f"{key}={_shown(event[key])}" for key in sorted(event)])
    text = f"{_time(int(time.time()))} [{level:<9}] {message:<30} {pairs}".rstrip()
    return text if trace is None else f"{text}\n{trace}"


@lru_cache(1)
def _time(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))


def _shown(value: object) -> str:
    """A value, in quotes where it could be read as more than one."""
    text = str(value)
    return repr(text) if _NEEDS_QUOTES.search(text) else text
