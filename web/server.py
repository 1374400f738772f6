"""How aiohttp serves the edge."""

from __future__ import annotations

import logging
from typing import Any, Final

from aiohttp import web

from web.access import AccessLogger, UnreadableRequests

#: Bodies are taken as they come: packed ones are refused, because aiohttp reports a body that it
#: can't unpack as a fault of the server. What a refused body has left is thrown away for two
#: seconds, not ten, so that the client still sees the answer.
OPTIONS: Final[dict[str, Any]] = {
    "access_log_class": AccessLogger,
    "auto_decompress": False,
    "lingering_time": 2.0,
}

_unreadable = UnreadableRequests()


def runner(app: web.Application, **more: Any) -> web.AppRunner:
    """What runs `app`, with logs that hold no ticket; `more` goes to aiohttp as it is."""
    logging.getLogger("aiohttp.server").addFilter(_unreadable)
    return web.AppRunner(app, **OPTIONS, **more)
