"""The description of the edge for programs: `/v1/openapi.json` and `/v1/asyncapi.json`."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from aiohttp import hdrs, web

from web.api.request_kinds import KINDS
from web.api.stream_states import AnyState, Goodbye, Hello, Ping
from web.description.asyncapi import asyncapi
from web.description.openapi import openapi
from web.description.operation import Caller, Operation, described


class Forms(NamedTuple):
    """A document as JSON, by gzip, and the validator that a client may send back."""

    plain: bytes
    zipped: bytes
    etag: str


class Document:
    """A document that is made for its first reader, and kept: nothing in it changes."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _forms(self) -> Forms:
        plain = msgspec.json.encode(self._make())
        zipped = gzip.compress(plain, mtime=0)
        return Forms(plain, zipped, blake2b(plain, digest_size=12).hexdigest())

    async def answer(self, request: web.Request) -> web.Response:
        """The document, or 304 where the client has it."""
        # In a thread: to make it takes longer than the streams of this edge may wait.
        forms = await asyncio.to_thread(lambda: self._forms)
        known = request.if_none_match or ()
        if any(one.value in (forms.etag, "*") for one in known):
            answer = web.Response(status=304)
        elif "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            answer = web.Response(body=forms.zipped, content_type="application/json")
            answer.headers[hdrs.CONTENT_ENCODING] = "gzip"
        else:
            answer = web.Response(body=forms.plain, content_type="application/json")
        # One validator for both forms, so a weak one.
        answer.headers[hdrs.ETAG] = f'W/"{forms.etag}"'
        answer.headers[hdrs.CACHE_CONTROL] = "no-cache"
        answer.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
        return answer


_DOCUMENT = Operation({200: dict[str, Any], 304: None}, caller=Caller.NOBODY)


def add_routes(app: web.Application) -> None:
    """Add the routes of both documents."""
    of_paths = Document(lambda: openapi(app.router, KINDS))
    of_topics = Document(
        lambda: asyncapi(AnyState, {"hello": Hello, "ping": Ping, "goodbye": Goodbye})
    )

    @described(_DOCUMENT)
    async def openapi_document(request: web.Request) -> web.Response:
        """`GET /v1/openapi.json`: this description, in OpenAPI 3.2."""
        return await of_paths.answer(request)

    @described(_DOCUMENT)
    async def asyncapi_document(request: web.Request) -> web.Response:
        """`GET /v1/asyncapi.json`: Kafka's topics and the events in them, in AsyncAPI 3."""
        return await of_topics.answer(request)

    app.router.add_get("/v1/openapi.json", openapi_document)
    app.router.add_get("/v1/asyncapi.json", asyncapi_document)
