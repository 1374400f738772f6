"""The listening socket, and aiohttp's server for the requests that it serves."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from app.runtime.addresses import ANY_IPV6, bound_to_any
from app.settings import Settings
from web.http.problem import Problem
from web.server.access_log import AccessLogger, UnreadableRequests
from web.server.aiohttp_bridge import report_answered

#: Compressed bodies are refused, because aiohttp reports a body that it can't decompress as a fault
#: of the server. The rest of a refused body is read for two seconds, not ten, so that the client
#: still sees the answer.
OPTIONS: Final[dict[str, Any]] = {
    "access_log_class": AccessLogger,
    "auto_decompress": False,
    "lingering_time": 2.0,
}

#: What the edge calls itself in answers.
SERVER: Final = "Parley"

#: Connections that may wait to be accepted: the clients of an edge that dies come all at once.
_BACKLOG: Final = 4096

_unreadable = UnreadableRequests()


class Handler(web.RequestHandler):
    """aiohttp's protocol, which reports each finished answer, and gives every error a code."""

    __slots__ = ()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer, then tell the connection that it is finished."""
        finished = await super().finish_response(request, resp, start_time)
        report_answered(self.transport)
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that is not HTTP, or that failed outside of every handler, and close."""
        super().handle_error(request, status, exc, message)
        if status < 500:
            problem = Problem(
                "bad_request", "the request is not HTTP as aiohttp knows it", status=status
            )
        else:
            problem = Problem(
                "internal", "something went wrong here; it is in the log", status=status
            )
        answer = problem.response()
        answer.headers[hdrs.SERVER] = SERVER
        answer.force_close()
        return answer


async def hide_version(_: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: names no versions of Python and aiohttp."""
    response.headers[hdrs.SERVER] = SERVER


def handler_factory(server: web.Server) -> Callable[[], Handler]:
    """Makes aiohttp's protocols for a server that `app_runner` has set up."""
    return partial(Handler, server, loop=asyncio.get_running_loop(), **OPTIONS)


def app_runner(app: web.Application, **options: Any) -> web.AppRunner:
    """Runs `app`, with logs that hold no ticket; `options` are aiohttp's own."""
    logging.getLogger("aiohttp.server").addFilter(_unreadable)
    return web.AppRunner(app, **OPTIONS, **options)


async def listen(
    settings: Settings, protocol: Callable[[], asyncio.BaseProtocol]
) -> asyncio.Server:
    """Listen at the address of the settings, which other edges of this machine may share.

    The size of the send buffer is set here, because connections inherit it: otherwise the kernel
    takes up to 4 MB for a client that never reads.
    """
    create = partial(
        asyncio.get_running_loop().create_server, protocol, backlog=_BACKLOG, start_serving=False
    )
    if settings.host == ANY_IPV6:
        server = await create(sock=bound_to_any(settings.port, shared=True))
    else:
        server = await create(settings.host, settings.port, reuse_port=True)
    for listening in server.sockets if settings.send_buffer else ():
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.send_buffer)
    await server.start_serving()
    return server
