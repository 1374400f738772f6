"""The documents as an edge serves them."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from web.api.description import add_routes

PATHS = ("/v1/openapi.json", "/v1/asyncapi.json")

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    add_routes(app)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


@pytest.mark.parametrize("path", PATHS)
async def test_a_document_comes_whole_to_a_client_without_gzip(client: Client, path: str) -> None:
    async with client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert "Content-Encoding" not in answer.headers
        found = json.loads(await answer.read())
    assert found["info"]["title"] == "Parley"


@pytest.mark.parametrize("path", PATHS)
async def test_a_client_with_gzip_gets_the_same_in_fewer_bytes(client: Client, path: str) -> None:
    async with client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        zipped = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
    async with client.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        plain = await answer.read()
    assert gzip.decompress(zipped) == plain
    assert len(zipped) < len(plain) / 2


@pytest.mark.parametrize("path", PATHS)
async def test_a_document_that_the_client_has_is_not_sent_again(client: Client, path: str) -> None:
    async with client.get(path) as answer:
        etag = answer.headers["ETag"]
    async with client.get(path, headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
        assert answer.headers["ETag"] == etag
    async with client.get(path, headers={"If-None-Match": '"another"'}) as answer:
        assert answer.status == 200
