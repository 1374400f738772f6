"""Holds answers of edges to the edge's own description of them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import aiohttp
import jsonschema_rs
import msgspec
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from multidict import MultiDict

from web.api.request_kinds import KINDS
from web.api.routes import add_routes
from web.description.openapi import openapi
from web.http.error_codes import CODES
from web.server.listener import SERVER

#: Served without aiohttp, and so without its headers.
_RAW = ("/v1/stream", "/v1/events")


class Description:
    """The OpenAPI document of this code, with everything refused that it does not name."""

    def __init__(self) -> None:
        #: The answers that were held to it, by operation and status.
        self.held: Counter[tuple[str, int]] = Counter()

    @cached_property
    def document(self) -> dict[str, Any]:
        app = web.Application()
        add_routes(app)
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi(app.router, KINDS)))
        closed(found["components"]["schemas"])
        return found

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], str]]:
        return [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path)
            for path in self.document["paths"]
        ]

    @cached_property
    def _validators(self) -> dict[str, jsonschema_rs.Validator]:
        return {}

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The operation that serves a path, by its name; `None` where there is none."""
        found = [known for pattern, known in self._paths if pattern.fullmatch(path)]
        # A path without parts goes before one with parts.
        name = min(found, key=lambda one: one.count("{"), default="")
        operation = self.document["paths"].get(name, {}).get(method.lower())
        return None if operation is None else (f"{method} {name}", operation)

    def flaw(
        self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> str:
        """What of an answer is not described; empty where all is."""
        found = self.operation(method, path)
        if found is None or status == 405:
            return ""
        name, operation = found
        self.held[name, status] += 1
        response = operation["responses"].get(str(status))
        if response is None:
            return f"{name} answers {status}, which is not described: {body[:500]!r}"
        response = self.resolved(response)
        content = response.get("content", {})
        kind = headers.get("Content-Type", "").partition(";")[0]
        if not body and kind not in content:
            return "" if not content or method == "HEAD" else f"{name} {status} has no body"
        if kind not in content:
            return f"{name} answers {status} as {kind!r}, which is not described: {body[:500]!r}"
        wrong = self.mismatch(content[kind].get("schema", {}), body)
        if wrong:
            return f"{name} answers {status} with another body: {wrong}: {body[:1000]!r}"
        if kind == "application/problem+json":
            code = msgspec.json.decode(body)["code"]
            if code in CODES and CODES[code].again and "Retry-After" not in headers:
                return f"{name} answers {code} without Retry-After"
        return ""

    def request_flaw(
        self, method: str, path: str, query: Mapping[str, Any], body: bytes | None
    ) -> str:
        """What of a request that was carried out is not described."""
        found = self.operation(method, path)
        if found is None:
            return ""
        name, operation = found
        known = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        known |= {"ticket"} if {"ticket": []} in operation["security"] else set()
        if other := set(query) - known:
            return f"{name} takes {sorted(other)}, which are not described"
        described = operation.get("requestBody")
        if body is None or described is None:
            return ""
        wrong = self.mismatch(described["content"]["application/json"]["schema"], body)
        return (
            f"{name} takes a body that is not described: {wrong}: {body[:1000]!r}" if wrong else ""
        )

    def resolved(self, one: dict[str, Any]) -> dict[str, Any]:
        """The object that a reference names."""
        if "$ref" not in one:
            return one
        found: Any = self.document
        for part in one["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def mismatch(self, schema: dict[str, Any], body: bytes) -> str:
        """How a JSON text differs from a schema of the document; empty where it does not."""
        key = str(schema)
        validator = self._validators.get(key)
        if validator is None:
            whole = {**schema, "components": self.document["components"]}
            validator = self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        error = next(validator.iter_errors(msgspec.json.decode(body)), None)
        return "" if error is None else f"{error.message[:500]} at {error.instance_path}"


def closed(schema: Any) -> Any:
    """The schema, with no fields of objects but those that it names: clients take more."""
    if isinstance(schema, list):
        for one in schema:
            closed(one)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("properties") is not None:
            schema.setdefault("additionalProperties", False)
        for one in schema.values():
            closed(one)
    return schema


def _stream_of(body: bytes) -> StreamReader:
    """The body to be read once more, by those who read it in pieces."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), len(body) + 1, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    return stream


@contextmanager
def holding_to_description() -> Iterator[Description]:
    """Fail whoever gets an answer of an edge by aiohttp which is not described."""
    description = Description()
    original = aiohttp.ClientSession._request

    async def asked(
        self: aiohttp.ClientSession, method: str, url: Any, **given: Any
    ) -> aiohttp.ClientResponse:
        answer = await original(self, method, url, **given)
        path, kind = answer.url.path, answer.content_type
        if path not in _RAW and answer.headers.get("Server") != SERVER:
            return answer
        if kind == "text/event-stream" or method not in {"GET", "POST", "PUT", "PATCH", "DELETE"}:
            return answer
        body = await answer.read()
        answer.content = _stream_of(body)
        flaw = description.flaw(method, path, answer.status, answer.headers, body)
        if not flaw and answer.status < 300:
            sent = given.get("json")
            sent = None if sent is None else msgspec.json.encode(sent)
            query = MultiDict(answer.url.query)
            flaw = description.request_flaw(method, path, query, sent)
        assert not flaw, flaw
        return answer

    aiohttp.ClientSession._request = asked
    try:
        yield description
    finally:
        aiohttp.ClientSession._request = original
