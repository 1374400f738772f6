"""What reaches aiohttp of the paths that web/server/connection.py serves itself."""

from __future__ import annotations

from aiohttp import web

from web.http.problem import Problem


def add_routes(app: web.Application) -> None:
    """Know the two paths: with another method they are a 405, not unknown."""
    app.router.add_get("/v1/stream", spelled_otherwise, allow_head=False)
    app.router.add_get("/v1/events", spelled_otherwise, allow_head=False)


async def spelled_otherwise(_: web.Request) -> web.Response:
    """A target such as `/v1/%73tream`, or with a host in it, which no client has reason to send."""
    raise Problem("bad_request", "spell the path as /v1/stream or /v1/events, without a host")
