"""The access log. It holds no secret: no query, no header, no body."""

from __future__ import annotations

import logging
from typing import Final

import structlog
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.http_exceptions import HttpProcessingError

log: structlog.stdlib.BoundLogger = structlog.get_logger()


#: Behind this stands the token of a hook.
_HOOKS: Final = "/v1/hooks/"


class AccessLogger(AbstractAccessLogger):
    """Logs one line for each request; of a query, which may hold a stream ticket, just `?…`."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log a request that was answered in `time` seconds."""
        log.info(
            "request",
            method=request.method,
            target=shown(request.raw_path),
            status=response.status,
            bytes=response.body_length,
            ms=round(time * 1000, 1),
        )


def shown(target: str) -> str:
    """The target of a request as it is logged: the path, and `?…` for a query."""
    path, question, _ = target.partition("?")
    if path.startswith(_HOOKS):
        path = f"{_HOOKS}…"
    return f"{path}?…" if question else path


class UnreadableRequests(logging.Filter):
    """Shortens aiohttp's report of a request that it could not parse.

    The report is a traceback at level ERROR that quotes the request, tickets included, and any
    client can cause it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without the quoted request."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.exc_info = record.exc_text = None
            record.msg = f"{record.msg}: {type(error).__name__}"
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True
