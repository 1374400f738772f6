"""CORS: the pages that may call from a browser. Tokens travel in headers; cookies are not used.

Written out rather than taken from aiohttp-cors: that library is configured route by route and
answers nothing on the errors of unknown paths, which a page could then not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp.web_middlewares import middleware

#: Headers that a request may have, besides those that its preflight asks for: a browser may keep
#: the answer for two hours, and ask about others meanwhile.
_ALLOW = (
    *("Authorization", "Cache-Control", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
    *("Pragma", "Prefer", "X-Requested-With", "traceparent", "tracestate", "baggage"),
)
#: The name of a header (RFC 9110), and the most of them that are repeated.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}", re.ASCII)
_MOST = 50
_EXPOSE = "Retry-After, Location, Link, RateLimit, RateLimit-Policy"
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_PREFLIGHT_SECONDS = "7200"


def headers(origins: str, origin: str | None) -> dict[str, str]:
    """The CORS headers of an answer to a page of `origin`, where `origins` may call.

    `origins` are separated by commas; `*` is all of them. Any other origin gets a `Vary` alone, for
    caches on the way.
    """
    allowed = {one.strip() for one in origins.split(",")}
    if "*" in allowed:
        allow = "*"
    elif origin is not None and origin in allowed:
        allow = origin
    else:
        return {"Vary": "Origin"}
    found = {"Access-Control-Allow-Origin": allow, "Access-Control-Expose-Headers": _EXPOSE}
    return found if allow == "*" else {**found, "Vary": "Origin"}


@middleware
async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: answers a browser's preflight request."""
    asked = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if request.method != hdrs.METH_OPTIONS or not asked:
        return await handler(request)
    answer = web.Response(status=204)
    answer.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = _METHODS
    answer.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = ", ".join(_allowed(request))
    answer.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = _PREFLIGHT_SECONDS
    return answer


def _allowed(request: web.Request) -> Iterable[str]:
    """The names of the headers that the page may send: all that it asks for.

    Polyfills of EventSource, tracing libraries and proxies' clients add headers of their own. None
    of them does anything here that the page could not do without: no cookie counts.
    """
    asked = ",".join(request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, []))
    names = [name for one in asked.split(",") if _TOKEN.fullmatch(name := one.strip())]
    known = {name.lower() for name in _ALLOW}
    return [*_ALLOW, *(name for name in dict.fromkeys(names[:_MOST]) if name.lower() not in known)]


def add_cors(app: web.Application, origins: str) -> None:
    """Let these origins call every path of `app`."""

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(headers(origins, request.headers.get(hdrs.ORIGIN)))

    app.middlewares.insert(0, preflight)
    # A signal, because it reaches errors too, which a middleware does not.
    app.on_response_prepare.append(add_headers)
