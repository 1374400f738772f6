"""Errors as `application/problem+json` (RFC 9457)."""

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
from web.http.error_codes import CODES

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CONTENT_TYPE: Final = "application/problem+json"

#: Codes of the errors that aiohttp itself raises, by status.
_AIOHTTP: Final = {404: "path_unknown", 405: "method_not_allowed", 413: "body_too_large"}


class Problem(Exception):
    """An error answer: `code` for programs, `detail` for people. The code knows its status.

    `extra` become further members of the problem object, `headers` headers of the answer.
    `status` is for errors that come with a status of their own, such as aiohttp's.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 0,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.status = status or CODES[code].status
        super().__init__(f"{self.status} {code}: {detail}")
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        known = CODES.get(code)
        if known is not None and known.again:
            self.headers.setdefault("Retry-After", str(known.again))
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
        """The answer. After `body_too_large` the connection ends: the body was not read."""
        answer = web.Response(
            status=self.status, body=self.body(), content_type=CONTENT_TYPE, headers=self.headers
        )
        answer.headers[hdrs.CACHE_CONTROL] = "no-store"
        if self.code == "body_too_large":
            answer.force_close()
        return answer


def retry_after(problem: Problem) -> float:
    """Seconds after which the request may be repeated, as the problem says; 0 where it does not."""
    return float(problem.headers.get(hdrs.RETRY_AFTER, "0"))


def refused(refusal: Refusal, ruling: Ruling | None = None) -> Problem:
    """A refusal of the pipeline as a problem; a code that the edge does not know is a 422."""
    known = CODES.get(refusal.code)
    status = known.status if known is not None and known.refusal else 422
    extra: dict[str, Any] = {} if ruling is None else {"verdict": ruling}
    return Problem(refusal.code, refusal.reason, status=status, **extra)


@middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: every error becomes an answer with a `code`."""
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
        return problem_of(error).response()


def problem_of(error: Exception) -> Problem:
    """Any exception as a problem. An unexpected one is logged; its answer tells nothing of it."""
    match error:
        case Problem():
            return error
        case CursorMalformed():
            return Problem("cursor_malformed", str(error))
        case CursorForeign():
            return Problem("cursor_foreign", str(error))
        case web.RequestPayloadError():
            return Problem("bad_request", "the request broke off, or is not HTTP")
    if isinstance(error, AWAY):
        log.warning("not reachable", error=repr(error))
        detail = "a part that this edge needs does not answer; try again"
        return Problem("unreachable", detail)
    return _internal(error)


def _internal(error: Exception) -> Problem:
    instance = uuid.uuid4().urn
    log.error("unexpected error", instance=instance, exc_info=error)
    detail = "something went wrong here; it is in the log under this instance"
    return Problem("internal", detail, instance=instance)


def _of_aiohttp(error: web.HTTPException) -> Problem:
    """aiohttp's own errors, with the headers that belong to them, such as `Allow`."""
    code = _AIOHTTP.get(error.status, "bad_request" if error.status < 500 else "internal")
    kept = {
        name: value
        for name, value in error.headers.items()
        if name.title() not in {hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH}
    }
    return Problem(code, f"{error.reason}.", status=error.status, headers=kept)
