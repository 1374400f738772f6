"""Request bodies: JSON of one known shape, or a `Problem` that names the mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from web.http.problem import Problem

T = TypeVar("T", bound=msgspec.Struct)

#: How msgspec words each kind of mismatch; the first group names the field.
_MISMATCHES: Final = (
    ("field_unknown", re.compile(r"Object contains unknown field `(.*?)`.*", re.DOTALL)),
    ("field_missing", re.compile(r"Object missing required field `(.*?)`.*", re.DOTALL)),
    ("field_value", re.compile(r"Invalid enum value .* at `\$\.(.*?)`", re.DOTALL)),
    ("field_type", re.compile(r"Expected .* at `\$\.(.*?)`", re.DOTALL)),
)


async def read_body(request: web.Request, kind: type[T], *, least: int = 0) -> T:
    """The body as a `kind`, a Struct with `forbid_unknown_fields=True`.

    The largest body is the application's `client_max_size`, or `least`, if that is more: what the
    documented limits of the fields add up to.

    Raises `Problem`: 415 `content_type`, 413 `body_too_large` (without reading on), 400
    `body_malformed`, `field_unknown`, `field_missing`, `field_type`, `field_value`.
    """
    _check_type(request)
    content = await _read(request, max(request.client_max_size, least))
    try:
        found: T = _decoder(kind).decode(content)
    except msgspec.ValidationError as error:
        raise _mismatch(str(error)) from None
    except UnicodeDecodeError:
        raise Problem("body_malformed", "the body is not valid UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem("body_malformed", f"the body is not valid JSON: {error}") from None
    return found


def checked(field: str, rule: Callable[[str], str | None], value: str) -> str:
    """The value, or a `Problem` 400 `field_value` where `rule` finds something wrong."""
    wrong = rule(value)
    if wrong is not None:
        raise Problem("field_value", wrong, field=field)
    return value


@cache
def _decoder(kind: type[T]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _check_type(request: web.Request) -> None:
    given = request.content_type
    charset = (request.charset or "utf-8").lower()
    packed = request.headers.get("Content-Encoding", "identity").lower() != "identity"
    if given == "application/json" and charset in {"utf-8", "utf8"} and not packed:
        return
    takes = {"Accept": "application/json", "Accept-Encoding": "identity"}
    detail = "send Content-Type: application/json, in UTF-8, not compressed"
    raise Problem("content_type", detail, headers=takes)


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> Problem:
    detail = f"a body has at most {limit} bytes"
    return Problem("body_too_large", detail, limit=limit)


def _mismatch(text: str) -> Problem:
    for code, pattern in _MISMATCHES:
        found = pattern.fullmatch(text)
        if found:
            return Problem(code, text, field=found[1][:64])
    return Problem("field_type", text)
