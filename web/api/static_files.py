"""The files of both pages, under headers that allow no other scripts or styles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from web.api.services import LIMITS

_FOLDER: Final = Path(__file__).parents[1] / "static"
# Named here, so that the table of types of the machine does not matter.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS: Final = {
    # The browser asks each time, and gets a 304: a new version is there at the next reload.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add_routes(app: web.Application) -> None:
    """Serve the chat page at `/`, the operator's at `/operator`, each file at `/static/<path>`."""
    app.router.add_get("/", _serve(_FOLDER / "index.html"))
    app.router.add_get("/operator", _serve(_FOLDER / "operator.html"))
    for file in sorted(_FOLDER.rglob("*")):
        if file.suffix in _TYPES:
            path = file.relative_to(_FOLDER).as_posix()
            app.router.add_get(f"/static/{path}", _serve(file))


#: A browser that has once had the page by TLS never asks without it again, for a year.
_HSTS: Final = {"Strict-Transport-Security": "max-age=31536000"}


def _serve(file: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        secure = request.app[LIMITS].addresses.is_secure(request.remote or "", request.headers)
        headers = {**_HEADERS, **(_HSTS if secure else {}), "Content-Type": _TYPES[file.suffix]}
        return web.FileResponse(file, headers=headers)

    return serve
