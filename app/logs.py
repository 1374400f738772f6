"""How Parley's processes log: one line an event, key=value, on stderr."""

from __future__ import annotations

import logging
import sys

import structlog

#: Seconds in which a library's message is logged once: a client that reconnects says the same
#: hundreds of times.
_QUIET = 5.0


class Once(logging.Filter):
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


def set_up_logs(process: str) -> None:
    """Log from INFO on, with the name of the process; libraries from WARNING on, nothing twice."""
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format=f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(Once())
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("event"),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    structlog.contextvars.bind_contextvars(process=process)
