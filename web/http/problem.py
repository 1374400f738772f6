"""Errors as `application/problem+json` (RFC 9457), whatever went wrong."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from aiohttp.web_middlewares import middleware

from app.errors import CursorForeign, CursorMalformed
from app.events import Refusal, Ruling
from app.runtime.retry import AWAY
from web.http.error_codes import CODES, REFUSALS

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CONTENT_TYPE: Final = "application/problem+json"

#: Codes of the errors that aiohttp itself raises, by status.
_AIOHTTP: Final = {404: "path_unknown", 405: "method_not_allowed", 413: "body_too_large"}


class Problem(Exception):
    """An answer other than success: `code` for programs, `detail` for people.

    `extra` become further members of the problem object, `headers` headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> bytes:
        """The problem object as JSON."""
        known = CODES.get(self.code)
        title = known.title if known else HTTPStatus(self.status).phrase
        return msgspec.json.encode(
            {
                "type": f"urn:parley:problem:{self.code}",
                "title": title,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
                **self.extra,
            }
        )

    def response(self) -> web.Response:
        """The answer. Where a body was too large the connection ends: it was not read."""
        answer = web.Response(
            status=self.status, body=self.body(), content_type=CONTENT_TYPE, headers=self.headers
        )
        answer.headers[hdrs.CACHE_CONTROL] = "no-store"
        if self.code == "body_too_large":
            answer.force_close()
        return answer


def refused(refusal: Refusal, ruling: Ruling | None = None) -> Problem:
    """A refusal of the pipeline; a code that the edge does not know is a 422."""
    status = CODES[refusal.code].status if refusal.code in REFUSALS else 422
    if ruling is None:
        return Problem(status, refusal.code, refusal.reason)
    return Problem(status, refusal.code, refusal.reason, verdict=ruling)


@middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware that makes every error an answer with a `code`."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response()
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _of_aiohttp(error).response()
    except Exception as error:
        if request.writer.output_size or request.transport is None:
            raise
        return of(error).response()


def of(error: Exception) -> Problem:
    """Any exception as a problem. What is nobody's fault but ours is logged and tells nothing."""
    match error:
        case Problem():
            return error
        case CursorMalformed():
            return Problem(400, "cursor_malformed", str(error))
        case CursorForeign():
            return Problem(400, "cursor_foreign", str(error))
        case web.RequestPayloadError():
            return Problem(400, "bad_request", "the request broke off, or is not HTTP")
    if isinstance(error, AWAY):
        log.warning("not reachable", error=repr(error))
        detail = "a part that this edge needs does not answer; try again"
        return Problem(503, "unreachable", detail, headers={"Retry-After": "1"})
    return _internal(error)


def _internal(error: Exception) -> Problem:
    instance = uuid.uuid4().urn
    log.error("unexpected error", instance=instance, exc_info=error)
    detail = "something went wrong here; it is in the log under this instance"
    return Problem(500, "internal", detail, instance=instance)


def _of_aiohttp(error: web.HTTPException) -> Problem:
    """aiohttp's own errors, with the headers that belong to them, such as `Allow`."""
    code = _AIOHTTP.get(error.status, "bad_request" if error.status < 500 else "internal")
    kept = {
        name: value
        for name, value in error.headers.items()
        if name.title() not in {hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH}
    }
    return Problem(error.status, code, f"{error.reason}.", headers=kept)
