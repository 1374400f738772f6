from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import pytest

from tests.web.conftest import Client
from tests.web.http.test_problem import problem

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"", "body_malformed", None),
        (b"{", "body_malformed", None),
        (b'{"text":"a"} and more', "body_malformed", None),
        (b"text=a", "body_malformed", None),
        (b'{"text":"\xff\xfe"}', "body_malformed", None),
        (b'{"text":"\\ud800"}', "body_malformed", None),
        (b'{"text":"\xed\xa0\x80"}', "body_malformed", None),
        (b"[" * 1000, "field_type", None),
        (b"[]", "field_type", None),
        (b"null", "field_type", None),
        (b'{"text":1}', "field_type", "text"),
        (b'{"text":null}', "field_type", "text"),
        (b'{"text":"a","client_id":7}', "field_type", "client_id"),
        (b'{"text":"a","colour":"red"}', "field_unknown", "colour"),
        (b'{"client_id":"a"}', "field_missing", "text"),
        (b'{"text":"a\\nb"}', "field_value", "text"),
        (b'{"text":"a","client_id":""}', "field_value", "client_id"),
    ],
)
async def test_a_wrong_body_is_told_what_is_wrong(
    client: Client, body: bytes, code: str, field: str | None
) -> None:
    found = await problem(await client.post("/notes", data=body, headers=JSON), 400, code)
    assert found.get("field") == field


async def test_a_right_body_is_read(client: Client) -> None:
    body = '{"text":"小明 😀"}'.encode()
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    answer = await client.post("/notes", data=body, headers=headers)
    assert (await answer.json())["text"] == "小明 😀"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk"]
)
async def test_another_type_than_json_is_a_415(client: Client, kind: str) -> None:
    answer = await client.post("/notes", data=b'{"text":"a"}', headers={"Content-Type": kind})
    await problem(answer, 415, "content_type")


async def test_a_megabyte_is_refused_by_its_length(client: Client) -> None:
    answer = await client.post("/notes", data=b" " * 1_000_000, headers=JSON)
    assert (await problem(answer, 413, "body_too_large"))["limit"] == 1024


async def test_a_body_without_length_is_refused_before_its_end(client: Client) -> None:
    answered = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b" " * 2000
        await answered.wait()

    async with client.post("/notes", data=endless(), headers=JSON) as answer:
        await problem(answer, 413, "body_too_large")
        answered.set()


async def test_a_packed_body_is_refused_unopened(client: Client) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    for body in (gzip.compress(b" " * 1_000_000), b"no gzip at all"):
        answer = await client.post("/notes", data=body, headers=headers)
        await problem(answer, 415, "content_type")
        assert answer.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("header", ["a b", '"a b"'])
async def test_a_client_id_comes_in_the_body_or_in_a_header(client: Client, header: str) -> None:
    headers = {"Idempotency-Key": header}
    for body in ({"text": "x"}, {"text": "x", "client_id": "a b"}):
        answer = await client.post("/notes", json=body, headers=headers)
        assert (await answer.json())["client_id"] == "a b"


async def test_two_client_ids_that_differ_are_a_conflict(client: Client) -> None:
    body = {"text": "x", "client_id": "a"}
    answer = await client.post("/notes", json=body, headers={"Idempotency-Key": "b"})
    await problem(answer, 400, "client_id_conflict")


async def test_a_key_that_is_no_client_id_is_refused(client: Client) -> None:
    headers = {"Idempotency-Key": "x" * 65}
    answer = await client.post("/notes", json={"text": "x"}, headers=headers)
    assert (await problem(answer, 400, "field_value"))["field"] == "Idempotency-Key"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=ten",
        "limit=",
        "limit=1&limit=2",
        "before_seq=-1",
        "before_seq=1.0",
        "before_seq=1_0",
        "before_seq=%D9%A3",
        "before_seq=1" + "0" * 30,
    ],
)
async def test_a_parameter_out_of_range_is_named(client: Client, query: str) -> None:
    found = await problem(await client.get(f"/pages?{query}"), 400, "parameter")
    assert found["parameter"] == query.split("=")[0]


async def test_parameters_are_numbers_or_absent(client: Client) -> None:
    answer = await client.get("/pages?limit=200")
    assert json.loads(await answer.read()) == [None, 200]
